import { resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { StorageTarget } from '@hypersdk/ports';
import { planRestore, restoreExport, type RestoreExportRequest } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { RestoreFlags } from '../commands/restore.ts';
import { askIfLocked, readKeys } from '../encryption/read-keys.ts';
import { openForWork } from '../open-files.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { ownKeyIfItSigned, readKey } from '../verify/choose-key.ts';
import { findSubject } from '../verify/find-subject.ts';
import { describeRestore, describeRestorePlan, toRestoreDocument, toRestorePlanDocument, type FinishedRestore } from './describe-restore.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: RestoreFlags;
  readonly path: string;
  readonly uri: string;
  readonly target: StorageTarget;
  readonly request: RestoreExportRequest;
}

export async function runRestore(this: CliContext, flags: RestoreFlags, path: string, uri: string): Promise<void> {
  const { folder, subject } = await findSubject(path);
  if (!('manifest' in subject))
    throw new HyperError('usage/invalid', `${path} is one disk; name the folder of an export, whose manifest tells of the VM.`);
  const services = await this.services();
  using stop = listenForStop();
  const target = await services.target(folder);
  const publicKey =
    flags.publicKey === undefined
      ? await ownKeyIfItSigned(await services.ownKey(), subject, { target, signal: stop.signal })
      : await readKey(flags.publicKey);
  await using session = await openForWork(services, uri, { flags, signal: stop.signal });
  const { restore } = session.facets;
  if (!restore) throw new HyperError('usage/invalid', `Nothing can be restored to ${uri}.`);
  const request: RestoreExportRequest = {
    restore,
    manifest: subject.manifest,
    identity: flags.keepIdentity ? 'kept' : 'new',
    start: flags.start ?? false,
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.pool === undefined ? {} : { pool: flags.pool }),
    ...(flags.network === undefined ? {} : { network: flags.network }),
    ...(publicKey === undefined ? {} : { publicKey }),
  };
  const task: Task = { cli: this, services, stop, flags, path, uri, target, request };
  if (flags.dryRun) return await showPlan(task);
  const finished = await restoreRemembered(task);
  respond(this, flags, { document: toRestoreDocument(finished), text: () => describeRestore(finished, this.terminal) });
}

async function showPlan({ cli, services, stop, flags, uri, target, request }: Task): Promise<void> {
  const plan = await askIfLocked(await readKeys(flags), cli.terminal, (keys) =>
    planRestore({ target, inspector: services.inspector })({ ...request, keys }, stop),
  );
  respond(cli, flags, { document: toRestorePlanDocument(plan, uri), text: () => describeRestorePlan(plan, uri) });
}

/** It cannot be gone on with, so that it is remembered without the means to. */
function restoreRemembered(task: Task): Promise<FinishedRestore> {
  const { services, stop, path, uri } = task;
  return recordRun(
    services,
    { command: 'restore', source: resolve(path), target: uri, resume: [] },
    {
      signal: stop.signal,
      work: async (run) => ({ ...(await restoreWatched(task)), run: run.entry.id }),
      gain: ({ outcome }) => ({
        vms: [outcome.vm.name],
        bytes: outcome.manifest.disks.reduce((sum, { content }) => sum + content.virtualSize, 0),
      }),
    },
  );
}

async function restoreWatched({ cli, services, stop, flags, uri, target, request }: Task): Promise<Omit<FinishedRestore, 'run'>> {
  using tracker = openTracker(cli.terminal, {
    flags,
    clock: services.clock,
    verifyPercent: 100,
    stop,
    stopping: 'Stopping, and taking away what was made; Ctrl-C again ends at once.',
  });
  const startedAt = services.clock.elapsed();
  let current: string | undefined;
  const restore = restoreExport({ target, inspector: services.inspector });
  try {
    const outcome = await askIfLocked(await readKeys(flags), cli.terminal, (keys) =>
      restore(
        { ...request, keys },
        {
          signal: stop.signal,
          onProgress({ disk, progress }) {
            if (current !== undefined && current !== disk.id) tracker.done(current);
            current = disk.id;
            tracker.report(disk.id, disk.label, progress);
          },
        },
      ),
    );
    if (current !== undefined) tracker.done(current);
    return { outcome, uri, elapsedMs: services.clock.elapsed() - startedAt };
  } catch (error) {
    // Nothing is left to go on from, which is what the sentence of the table would promise.
    if (error instanceof HyperError && error.code === 'transfer/cancelled')
      throw new HyperError('transfer/cancelled', error.message, { detail: { ...error.detail, kept: false }, cause: error });
    throw error;
  }
}
