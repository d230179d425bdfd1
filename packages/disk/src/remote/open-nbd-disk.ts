import { HyperError, type Extent } from '@hypersdk/domain';
import type { Cancel, NbdLocator } from '@hypersdk/ports';
import { ALLOCATION_CONTEXT, type ConnectWish } from '@hypersdk/wire';
import type { DiskSource, Pending } from '../locator/disk-source.ts';
import { NbdDisk } from './nbd-disk.ts';
import { NbdLink, untilStopped } from './nbd-link.ts';
import { loadTls } from './load-tls.ts';

/** A disk that several on this thread have open. */
interface Shared {
  readonly disk: Promise<NbdDisk>;
  /** Closes it, or gives up opening it. */
  end(): void;
  users: number;
}

/** Each thread has one connection to an export, however many look at it: servers count them, and some take only one. */
const opened = new Map<string, Shared>();

export async function openNbdDisk(locator: NbdLocator, { signal }: Cancel): Promise<DiskSource> {
  signal.throwIfAborted();
  const key = JSON.stringify(locator);
  const shared = opened.get(key) ?? share(locator);
  shared.users += 1;
  opened.set(key, shared);
  const leave = (): void => {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (opened.get(key) === shared) opened.delete(key);
    shared.end();
  };
  try {
    const disk = await untilStopped(shared.disk, signal);
    return lend(disk, signal, leave);
  } catch (error) {
    leave();
    throw error;
  }
}

/** The disk for one borrower, who may stop without the others and gives it back alone. */
function lend(disk: NbdDisk, signal: AbortSignal, giveBack: () => void): DiskSource {
  // A stop does not wait for a server that says nothing.
  const stop = (): void => disk.interrupt();
  signal.addEventListener('abort', stop, { once: true });
  let isOpen = true;
  return {
    virtualSize: disk.virtualSize,
    files: disk.files,
    mark: disk.mark,
    isSingle: disk.isSingle,
    extents: (range) => stoppable(disk.extents(range), signal),
    read: (offset, into) => disk.read(offset, into, { signal }),
    pass: (ranges, take) => disk.pass(ranges, take, { signal }),
    [Symbol.dispose]: () => {
      if (!isOpen) return;
      isOpen = false;
      signal.removeEventListener('abort', stop);
      giveBack();
    },
  };
}

function* stoppable(walk: Iterable<Extent | Pending>, signal: AbortSignal): Generator<Extent | Pending> {
  for (const step of walk) {
    signal.throwIfAborted();
    yield step instanceof Promise ? untilStopped(step, signal).catch(() => undefined) : step;
  }
}

function share(locator: NbdLocator): Shared {
  const stop = new AbortController();
  const disk = connect(locator, stop.signal);
  const end = (): void => {
    stop.abort(new HyperError('transfer/cancelled', 'The NBD export was closed.'));
    disk.then(
      (open) => open[Symbol.dispose](),
      () => undefined,
    );
  };
  return { disk, end, users: 0 };
}

async function connect(locator: NbdLocator, signal: AbortSignal): Promise<NbdDisk> {
  const link = await NbdLink.open(await toWish(locator), { signal });
  const { bitmap } = locator;
  if (bitmap !== undefined && !link.export.contexts.has(bitmap)) {
    link[Symbol.dispose]();
    // Nothing is not the same as unchanged: a bitmap that is absent must never read as an empty one.
    throw new HyperError('nbd/unsupported', `The NBD server has no bitmap ${JSON.stringify(bitmap)} for this export.`, { detail: { bitmap } });
  }
  return new NbdDisk(link, locator);
}

export async function toWish(locator: NbdLocator): Promise<ConnectWish> {
  const { server, exportName, tls, allowsPlaintext, bitmap } = locator;
  return {
    address: server,
    name: exportName,
    contexts: bitmap === undefined ? [ALLOCATION_CONTEXT] : [ALLOCATION_CONTEXT, bitmap],
    allowsPlaintext,
    ...(tls ? { tls: await loadTls(tls) } : {}),
  };
}
