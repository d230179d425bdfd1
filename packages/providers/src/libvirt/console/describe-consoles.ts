// libvirt, "Domain XML format": what the description of a running domain says of the ways to look at it.
import type { GraphicsEndpoint, GraphicsProtocol } from '@hypersdk/ports';
import { childNamed, childrenNamed, type XmlElement } from '@hypersdk/wire';
import { tidyText } from '../../said-fields.ts';

/** QEMU's machines have a few; a description with more is cut. */
const LINES_MAX = 64;
const PORT_MAX = 65_535;
/** What listens everywhere can be reached under the name that its machine is reached under. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*']);

/** A graphical console that somebody can connect to. */
export interface DescribedGraphics {
  readonly protocol: GraphicsProtocol;
  readonly endpoint: GraphicsEndpoint;
  readonly element: XmlElement;
}

export interface DescribedConsoles {
  readonly hasScreen: boolean;
  /** Aliases of devices. */
  readonly lines: readonly string[];
  readonly graphics: readonly DescribedGraphics[];
}

export interface Machine {
  /** What the host calls itself. */
  readonly machine: string;
  /** How it was reached from here. */
  readonly reachedAs: string;
}

export function describeConsoles(domain: XmlElement, machine: Machine): DescribedConsoles {
  const devices = childNamed(domain, 'devices');
  const videos = childrenNamed(devices, 'video').map((video) => childNamed(video, 'model')?.attributes.get('type'));
  return {
    hasScreen: videos.some((model) => model !== 'none'),
    lines: linesOf(devices),
    graphics: childrenNamed(devices, 'graphics').flatMap((element) => toGraphics(element, machine) ?? []),
  };
}

/** "Console": one whose target is `serial` is a serial port that is named a second time. Only pseudo terminals and sockets can be handed on. */
function linesOf(devices: XmlElement | undefined): readonly string[] {
  const ports = [...childrenNamed(devices, 'serial'), ...childrenNamed(devices, 'console').filter((element) => targetOf(element) !== 'serial')];
  return ports
    .filter(({ attributes }) => attributes.get('type') === 'pty' || attributes.get('type') === 'unix')
    .slice(0, LINES_MAX)
    .flatMap((port) => tidyText(childNamed(port, 'alias')?.attributes.get('name')) ?? []);
}

const targetOf = (console: XmlElement): string => childNamed(console, 'target')?.attributes.get('type') ?? 'serial';

/** "Graphical framebuffers". Undefined for other kinds, and for those that listen nowhere. */
function toGraphics(element: XmlElement, { machine, reachedAs }: Machine): DescribedGraphics | undefined {
  const { attributes } = element;
  const type = attributes.get('type');
  if (type !== 'vnc' && type !== 'spice') return undefined;
  const listen = childrenNamed(element, 'listen').map((one) => one.attributes);
  const path = tidyText(attributes.get('socket') ?? listen.find((one) => one.get('type') === 'socket')?.get('socket'));
  if (path !== undefined) return { protocol: type, endpoint: { kind: 'socket', machine, path }, element };
  const [port, tlsPort] = [toPort(attributes.get('port')), toPort(attributes.get('tlsPort'))];
  if (port === undefined && tlsPort === undefined) return undefined;
  const said = tidyText(attributes.get('listen') ?? listen.map((one) => one.get('address')).find((address) => address !== undefined));
  const host = said === undefined ? '127.0.0.1' : WILDCARDS.has(said) ? reachedAs : said;
  const ports = { ...(port === undefined ? {} : { port }), ...(tlsPort === undefined ? {} : { tlsPort }) };
  return { protocol: type, endpoint: { kind: 'tcp', machine, host, ...ports }, element };
}

/** libvirt writes -1 for a port that is not given out. */
function toPort(text: string | undefined): number | undefined {
  const port = Number(text);
  return Number.isSafeInteger(port) && port > 0 && port <= PORT_MAX ? port : undefined;
}
