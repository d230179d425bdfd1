// libvirt, "Domain XML format", "Devices": what two VMs beside each other cannot both have.
import { childNamed, type XmlElement } from '@hypersdk/wire';

/** An image that a disk of the clone has in the place of its source's. */
export interface ClonedImage {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
}

type Images = ReadonlyMap<string, ClonedImage>;

/** A device as the clone has it. Where it is attached, and what the guest sees of it, stays. */
export function rewriteDevice(device: XmlElement, images: Images): XmlElement {
  switch (device.name) {
    case 'disk':
      return rewriteDisk(device, images);
    case 'interface':
      return rewriteNic(device);
    case 'graphics':
      return rewriteScreen(device);
    case 'serial':
    case 'parallel':
    case 'console':
    case 'channel':
      return rewriteLine(device);
    case 'tpm':
      return { ...device, children: device.children.map((backend) => without(backend, 'source')) };
    default:
      return device;
  }
}

/** "Hard drives, floppy disks, CDROMs". A floppy that both could write to is taken out. */
function rewriteDisk(disk: XmlElement, images: Images): XmlElement {
  if (disk.attributes.get('device') === 'floppy') return childNamed(disk, 'readonly') ? disk : without(disk, 'source');
  const image = images.get(childNamed(disk, 'target')?.attributes.get('dev') ?? '');
  if (!image) return disk;
  const source: XmlElement = { name: 'source', attributes: new Map([['file', image.path]]), children: [], text: '' };
  const driver = childNamed(disk, 'driver') ?? { name: 'driver', attributes: new Map<string, string>(), children: [], text: '' };
  const kept = without(disk, 'driver', 'source', 'backingStore', 'mirror', 'auth', 'alias').children;
  return {
    ...disk,
    attributes: new Map([...disk.attributes, ['type', 'file']]),
    children: [{ ...driver, attributes: new Map([...driver.attributes, ['name', 'qemu'], ['type', image.format]]) }, source, ...kept],
  };
}

/** "Network interfaces". libvirt chooses what is left out: the address, the name on the host, and the port at an Open vSwitch. */
function rewriteNic(nic: XmlElement): XmlElement {
  const target = childNamed(nic, 'target');
  const isManaged = target?.attributes.get('managed') !== 'no';
  const { children, ...kept } = without(nic, 'mac', 'alias', ...(isManaged ? ['target'] : []));
  const port = (child: XmlElement): XmlElement =>
    child.name === 'virtualport' ? { ...child, children: child.children.map((part) => withoutAttributes(part, 'interfaceid', 'instanceid')) } : child;
  return { ...kept, children: children.map(port) };
}

/** "Graphical framebuffers": a port that was chosen by hand is that of the source; passwords and addresses stay. */
function rewriteScreen(screen: XmlElement): XmlElement {
  const free = withoutAttributes(screen, 'port', 'tlsPort', 'websocket', 'socket');
  const listening = { ...free, children: free.children.map((child) => (child.name === 'listen' ? withoutAttributes(child, 'socket') : child)) };
  return screen.attributes.has('port') || screen.attributes.has('tlsPort')
    ? { ...listening, attributes: new Map([...listening.attributes, ['autoport', 'yes']]) }
    : listening;
}

/** Where only one can listen, or would write over what the other wrote. */
const EXCLUSIVE: ReadonlySet<string> = new Set(['unix', 'tcp', 'udp', 'file', 'pipe', 'dev']);

/** "Consoles, serial, parallel & channel devices". Of a channel the socket is libvirt's to choose; a line that leads somewhere else becomes a terminal. */
function rewriteLine(line: XmlElement): XmlElement {
  const type = line.attributes.get('type') ?? '';
  const quiet = without(line, 'log');
  if (!EXCLUSIVE.has(type)) return type === 'pty' ? without(quiet, 'source') : quiet;
  if (line.name === 'channel' && type === 'unix') return without(quiet, 'source');
  return { ...without(quiet, 'source', 'protocol'), attributes: new Map([...line.attributes, ['type', 'pty']]) };
}

const without = (element: XmlElement, ...names: readonly string[]): XmlElement => ({
  ...element,
  children: element.children.filter(({ name }) => !names.includes(name)),
});

const withoutAttributes = (element: XmlElement, ...names: readonly string[]): XmlElement => ({
  ...element,
  attributes: new Map([...element.attributes].filter(([name]) => !names.includes(name))),
});
