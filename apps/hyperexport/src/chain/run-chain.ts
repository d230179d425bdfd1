import { basename, dirname, resolve } from 'node:path';
import { formatBytes, HyperError, sizeOfAll } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { deleteRetired, listChains, pruneChain, restoreChain, type ListedLink } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { ChainAction, ChainFlags } from '../commands/chain.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatTable } from '../output/table.ts';
import type { Services } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { ownKeyIfItSigned, readKey } from '../verify/choose-key.ts';
import { runVerify } from '../verify/run-verify.ts';
import { runFlatten } from './run-flatten.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ChainFlags;
  readonly path: string;
}

export async function runChain(this: CliContext, flags: ChainFlags, action: ChainAction, path: string): Promise<void> {
  if (action === 'verify') return await runVerify.call(this, { ...flags, sample: flags.verify }, path);
  // A target is made when it is not there; a chain that is not there is none.
  if (!(await statIfThere(path))?.isDirectory()) throw new HyperError('source/not-found', `There is no folder ${path}.`);
  const services = await this.services();
  using stop = listenForStop();
  const task: Task = { cli: this, services, stop, flags, path: resolve(path) };
  switch (action) {
    case 'list':
      return await list(task);
    case 'flatten':
      return await runFlatten(this, { services, stop, flags, folder: task.path });
    case 'prune':
      return await prune(task);
    case 'restore':
      return await change(task, { did: 'Restored', would: 'Would restore', work: restoreChain });
    case 'delete':
      return await change(task, { did: 'Deleted', would: 'Would delete', work: deleteRetired });
  }
}

async function list({ cli, services, stop, flags, path }: Task): Promise<void> {
  const { links, findings } = await listChains(await services.target(path), stop);
  respond(cli, flags, {
    document: { folder: path, links, findings },
    text: () => `${describeLinks(links)}${findings.map(({ severity, summary }) => `${severity}: ${printable(summary)}\n`).join('')}`,
  });
}

function describeLinks(links: readonly ListedLink[]): string {
  if (links.length === 0) return 'There is no complete export here.\n';
  return formatTable(
    [{ title: 'VM' }, { title: 'EXPORT' }, { title: 'FINISHED' }, { title: 'SIZE', align: 'right' }, { title: 'LIES ON' }],
    links.map((link) => [
      printable(link.vm),
      link.name,
      link.finishedAt.slice(0, 19).replace('T', ' '),
      formatBytes(link.disks.reduce((sum, disk) => sum + sizeOfAll(disk), 0)),
      describeBasis(link),
    ]),
  );
}

function describeBasis({ disks, flattenedFrom, isRetired }: ListedLink): string {
  const parents = [...new Set(disks.flatMap(({ parent }) => (parent ? [parent.export] : [])))].join(', ');
  const broken = disks.find((disk) => disk.broken !== undefined)?.broken;
  const basis = parents === '' ? (flattenedFrom === undefined ? 'full' : `full, of ${flattenedFrom}`) : parents;
  return [basis, ...(broken === undefined ? [] : [`BROKEN: ${printable(broken)}`]), ...(isRetired ? ['pruned'] : [])].join('; ');
}

async function prune({ cli, services, stop, flags, path }: Task): Promise<void> {
  const target = await services.target(dirname(path));
  const full = basename(path);
  const ports = { transfer: services.transfer({ workers: flags.workers }), inspector: services.inspector, target };
  const publicKey = await keyFor({ services, stop, flags, target, full });
  const request = { full, isDry: flags.dryRun ?? false, ...(publicKey === undefined ? {} : { publicKey }) };
  const { retire, keep } = await pruneChain(ports)(request, stop);
  const names = retire.map(({ name }) => name);
  const kept = keep.map(({ link, because }) => ({ name: link.name, because }));
  respond(cli, flags, {
    document: { full, pruned: names, kept, dryRun: flags.dryRun ?? false },
    text: () =>
      [
        `${flags.dryRun ? 'Would prune' : 'Pruned'}: ${names.join(', ') || 'nothing'}`,
        ...kept.map(({ name, because }) => `Kept: ${name}, because ${because} lies on it`),
        ...(flags.dryRun || names.length === 0 ? [] : [`Their files are kept until hyperexport chain delete ${dirname(path)}`]),
      ].join('\n') + '\n',
  });
}

async function keyFor(o: Omit<Task, 'cli' | 'path'> & { readonly target: StorageTarget; readonly full: string }): Promise<string | undefined> {
  if (o.flags.publicKey !== undefined) return readKey(o.flags.publicKey);
  const subject = { manifest: `${o.full}/export-manifest.json` };
  return ownKeyIfItSigned(await o.services.ownKey(), subject, { target: o.target, signal: o.stop.signal });
}

async function change(
  { cli, services, stop, flags, path }: Task,
  { did, would, work }: { readonly did: string; readonly would: string; readonly work: typeof restoreChain },
): Promise<void> {
  const target = await services.target(path);
  const names = flags.dryRun ? await namesOfRetired(target, stop) : await work(target, stop);
  respond(cli, flags, {
    document: { folder: path, links: names, dryRun: flags.dryRun ?? false },
    text: () => `${flags.dryRun ? would : did}: ${names.join(', ') || 'nothing, as nothing was pruned'}\n`,
  });
}

async function namesOfRetired(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const { links } = await listChains(target, o);
  return links.filter(({ isRetired }) => isRetired).map(({ name }) => name);
}
