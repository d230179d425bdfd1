import { HyperError, type ImageFormat } from '@hypersdk/domain';
import type { BlockLocator, Cancel, NbdLocator, RemoteDisks, WebImages } from '@hypersdk/ports';
import type { AddressConfig } from './address-config.ts';

/** A disk as its server tells of it now. */
export interface AddressedDisk {
  readonly locator: BlockLocator;
  readonly mark: string;
  /** For people, manifests and receipts: no user, password or query, which may be secrets. */
  readonly shown: string;
  /** The server, as a connection. */
  readonly server: string;
  /** That of the file or export, without its ending. */
  readonly name: string;
  readonly virtualSize: number;
  readonly allocatedSize?: number;
  readonly format: ImageFormat;
}

/** Asks the server behind an address. Fails with `usage/invalid` when the address is of another kind. */
export type AskAddress = (address: string, config: AddressConfig, o: Cancel) => Promise<AddressedDisk>;

export const askNbd =
  (remotes: Pick<RemoteDisks, 'locate' | 'inspect' | 'mark'>): AskAddress =>
  async (address, config, o) => {
    const locator = remotes.locate(address, config);
    if (!locator) throw foreign(address, 'nbd');
    const { virtualSize, allocatedSize } = await remotes.inspect(locator, o);
    const server = serverOf(locator);
    return {
      locator,
      mark: remotes.mark(locator),
      shown: 'path' in locator.server ? `${server}#${locator.exportName}` : `${server}/${locator.exportName}`,
      server,
      name: nameIn(locator.exportName),
      virtualSize,
      ...(allocatedSize === undefined ? {} : { allocatedSize }),
      format: 'raw',
    };
  };

function serverOf({ server, tls }: NbdLocator): string {
  const scheme = tls ? 'nbds' : 'nbd';
  if ('path' in server) return `${scheme}+unix:${server.path}`;
  return `${scheme}://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`;
}

export const askWeb =
  (webImages: Pick<WebImages, 'locate' | 'inspect'>): AskAddress =>
  async (address, { authorityFile, headerFile }, { signal }) => {
    const files = { ...(authorityFile === undefined ? {} : { authorityFile }), ...(headerFile === undefined ? {} : { headerFile }) };
    const locator = await webImages.locate(address, { ...files, signal });
    if (!locator) throw foreign(address, 'http');
    const { virtualSize, allocatedSize } = await webImages.inspect(locator, { signal });
    const { origin, pathname } = new URL(locator.shown);
    const { mark, shown, format } = locator;
    return { locator, mark, shown, server: origin, name: nameIn(pathname), virtualSize, allocatedSize, format };
  };

/** The last part of a path that is one, without its ending; percent signs are kept where they stand for nothing. */
function nameIn(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1).replace(/(?<=.)\.[A-Za-z0-9]{1,5}$/, '');
  if (last === '') return 'disk';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** Not repeated in the message: it may hold a password. */
const foreign = (address: string, kind: string): HyperError =>
  new HyperError('usage/invalid', `An address that begins with ${JSON.stringify(address.slice(0, 8))} is none of the ${kind} provider's.`);
