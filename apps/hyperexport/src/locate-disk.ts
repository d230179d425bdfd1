import { basename, dirname, join, resolve } from 'node:path';
import type { ImageFormat, ReferencePolicy } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { toReferencePolicy, type ReferenceFlags } from './flags/reference-flags.ts';
import { askIfLocked, readKeys } from './encryption/read-keys.ts';
import type { KeyFlags } from './flags/key-flags.ts';
import { isConnection } from './flags/connection-flags.ts';
import { isAddress } from './flags/parsers.ts';
import type { RemoteFlags } from './flags/remote-flags.ts';
import { MANIFEST_FILE } from './manifest-file.ts';
import type { Services } from './services.ts';
import { statIfThere } from './stat-if-there.ts';
import type { Stop } from './stop.ts';
import type { Terminal } from './terminal.ts';

export interface LocateFlags extends ReferenceFlags, RemoteFlags, KeyFlags {
  readonly sourceFormat?: ImageFormat;
  readonly pointInTime?: string;
}

/** What a person names as a disk: an image file, the address of one on a web server, or that of an export. */
export async function locateDisk(
  services: Services,
  text: string,
  o: { readonly flags: LocateFlags; readonly stop: Stop; readonly terminal?: Pick<Terminal, 'canAsk'> },
): Promise<BlockLocator> {
  const { flags, stop } = o;
  const remote = services.remotes.locate(text, {
    allowsPlaintext: flags.allowPlaintext ?? false,
    isSingle: flags.singleConnection ?? false,
    // Without a promise that it is the same, an export is never spliced with what was read of it before.
    pointInTime: flags.pointInTime ?? services.ids.next(),
  });
  if (remote) return remote;
  const onWeb = await services.webImages.locate(text, {
    signal: stop.signal,
    ...(flags.sourceFormat === undefined ? {} : { format: flags.sourceFormat }),
    ...(flags.ca === undefined ? {} : { authorityFile: flags.ca }),
    ...(flags.headerFile === undefined ? {} : { headerFile: flags.headerFile }),
  });
  if (onWeb) return onWeb;
  const references = await chooseReferences(services, resolve(text), o);
  const image = await askIfLocked(await readKeys(flags), o.terminal, (keys) =>
    services.inspector.refer(resolve(text), {
      signal: stop.signal,
      references,
      keys,
      ...(flags.sourceFormat === undefined ? {} : { format: flags.sourceFormat }),
    }),
  );
  return { kind: 'image', image };
}

/** What was said by flags counts; else the disk of an increment leads to those that it lies on, as its manifest tells. */
async function chooseReferences(
  services: Services,
  path: string,
  { flags, stop }: { readonly flags: LocateFlags; readonly stop: Stop },
): Promise<ReferencePolicy> {
  const said = toReferencePolicy(flags);
  const folder = dirname(path);
  // Most images lie beside no manifest, and looking at one loads nothing more.
  if (said !== 'refuse' || !(await isThere(join(folder, MANIFEST_FILE)))) return said;
  const { findChain } = await import('@hypersdk/usecases');
  const target = await services.target(dirname(folder));
  return (await findChain(target, { name: basename(folder), file: basename(path) }, stop))?.references ?? said;
}

/** Whatever is wrong with the place is told by whoever opens the image. */
const isThere = (path: string): Promise<boolean> =>
  statIfThere(path).then(
    (about) => about !== undefined,
    () => false,
  );

/** What is shown and remembered of a disk: of an address on the web neither its user and password nor its query, which may be a signature. */
export function nameOfDisk(located: BlockLocator, typed: string): string {
  if (located.kind === 'image') return located.image.path;
  return located.kind === 'http' ? located.shown : typed;
}

/** The format, or the protocol where bytes are served without one. */
export function formatOfDisk(located: BlockLocator): string {
  if (located.kind === 'image') return located.image.format;
  return located.kind === 'http' ? located.format : located.kind;
}

/** A name for what lies at an address: that of the file or the export, without its ending. */
export function nameOfAddress(located: Exclude<BlockLocator, { readonly kind: 'image' }>): string {
  const path = located.kind === 'http' ? decodeURIComponent(new URL(located.shown).pathname) : located.exportName;
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last.replace(/(?<=.)\.[A-Za-z0-9]{1,5}$/, '') || 'disk';
}

/** What is remembered of a folder, file or address: absolute, and of an address neither user nor password nor a query on the web. */
export function nameOfPlace(place: string): string {
  if (isConnection(place)) return place;
  if (!isAddress(place)) return resolve(place);
  return /^https?:/i.test(place) ? without(place, { query: true }) : place;
}

/** What is typed to go on from any folder: the query of an address is needed for that, a user and password are not kept. */
export function placeAgain(place: string): string {
  if (isConnection(place)) return place;
  if (!isAddress(place)) return resolve(place);
  return /^https?:/i.test(place) ? without(place, { query: false }) : place;
}

function without(address: string, { query }: { readonly query: boolean }): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  if (query) url.search = '';
  return url.href;
}
