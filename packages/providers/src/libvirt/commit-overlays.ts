// libvirt, "Domain block jobs": an image that lies on another is merged down into it while the guest runs.
import type { Cancel } from '@hypersdk/ports';
import { HyperError } from '@hypersdk/domain';
import type { DomainWatch } from './domain-watch.ts';
import { type Domain, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';

/** libvirt, `virDomainBlockCommitFlags` and `virDomainBlockJobAbortFlags`. */
const COMMIT_SHALLOW = 1;
const COMMIT_DELETE = 2;
const COMMIT_ACTIVE = 4;
const ABORT_PIVOT = 2;

/** An event says that a job is ready; this is for one that was lost. */
const LOOK_MS = 1000;

interface Server {
  readonly client: Caller;
  readonly watch: DomainWatch;
}

/**
 * Merges the top image of each disk into the one below, goes on with that one, and deletes what lay on top. Every disk is merged before any is
 * switched over, so that a failure leaves all of them as they were.
 */
export async function commitOverlays(
  server: Server,
  { domain, targets }: { readonly domain: Domain; readonly targets: readonly string[] },
  o: Cancel,
): Promise<void> {
  await server.watch.begin(o);
  const begun: string[] = [];
  try {
    for (const disk of targets) {
      await server.client.call(
        procedures.domainBlockCommit,
        { domain, disk, base: undefined, top: undefined, bandwidth: 0n, flags: COMMIT_SHALLOW + COMMIT_ACTIVE + COMMIT_DELETE },
        o,
      );
      begun.push(disk);
    }
    for (const disk of targets) await merged(server, { domain, disk }, o);
  } catch (error) {
    for (const disk of begun) await stop(server, { domain, disk });
    throw error;
  }
  for (const disk of targets) await server.client.call(procedures.domainBlockJobAbort, { domain, path: disk, flags: ABORT_PIVOT }, o);
}

/** Settles when what the guest writes goes to both images, so that the upper one can be let go of. */
async function merged({ client, watch }: Server, { domain, disk }: { readonly domain: Domain; readonly disk: string }, o: Cancel): Promise<void> {
  for (;;) {
    const { found, current, end } = await client.call(procedures.domainGetBlockJobInfo, { domain, path: disk, flags: 0 }, o);
    if (found === 0) throw new HyperError('libvirt/failed', `Merging the disk ${disk} of ${domain.name} ended before it was done.`);
    if (current === end && end > 0n) return;
    await watch.next(domain.uuid, { ...o, withinMs: LOOK_MS });
  }
}

/** Also when the caller called off: a job that nobody waits for holds the disk for ever. */
async function stop({ client }: Server, { domain, disk }: { readonly domain: Domain; readonly disk: string }): Promise<void> {
  await client.call(procedures.domainBlockJobAbort, { domain, path: disk, flags: 0 }, { signal: AbortSignal.timeout(LOOK_MS * 10) }).catch(() => {});
}
