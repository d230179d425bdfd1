import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { verifyElsewhere, verifyExport, type VerifiedDisk, type VerifyReport } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { VerifyFlags } from '../commands/verify.ts';
import { askIfLocked, readKeys } from '../encryption/read-keys.ts';
import { locateDisk, nameOfDisk } from '../locate-disk.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatTable } from '../output/table.ts';
import { openTracker } from '../progress/open-tracker.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import type { Terminal } from '../terminal.ts';
import { ownKeyIfItSigned, readKey } from './choose-key.ts';
import { isPackage, verifyPackage } from './verify-package.ts';
import { findSubject, type FoundSubject } from './find-subject.ts';

export async function runVerify(this: CliContext, flags: VerifyFlags, path: string): Promise<void> {
  if (isPackage(path)) return await verifyPackage(this, flags, path);
  const found = await findSubject(path);
  const services = await this.services();
  using stop = listenForStop();
  const target = await services.target(found.folder);
  const publicKey =
    flags.publicKey === undefined
      ? await ownKeyIfItSigned(await services.ownKey(), found.subject, { target, signal: stop.signal })
      : await readKey(flags.publicKey);
  const task: Task = { cli: this, services, stop, flags, found, target, ...(publicKey === undefined ? {} : { publicKey }) };
  const report = flags.disk === undefined ? await verifyWatched(task) : await verifyOther(task, flags.disk);
  if (report.ok) return respond(this, flags, { document: toDocument(found, report), text: () => describe(report, this) });
  if (!flags.json && !flags.quiet) this.terminal.out(describe(report, this));
  throw toError(report);
}

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: VerifyFlags;
  readonly found: FoundSubject;
  readonly target: StorageTarget;
  readonly publicKey?: string;
}

/** The disk of `--disk` in the place of the image that the receipt names. */
async function verifyOther({ cli, services, stop, flags, found, target, publicKey }: Task, disk: string): Promise<VerifyReport> {
  if (!('receipt' in found.subject)) throw new HyperError('usage/invalid', '--disk is held against the receipt of one disk; name that receipt');
  const located = await locateDisk(services, disk, { flags, stop, terminal: cli.terminal });
  const name = nameOfDisk(located, disk);
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: 0, stop });
  const request = {
    receipt: found.subject.receipt,
    disk: located,
    name,
    percent: flags.sample,
    ...(publicKey === undefined ? {} : { publicKey }),
  };
  const report = await verifyElsewhere({ transfer: services.transfer({ workers: flags.workers }), target })(request, {
    signal: stop.signal,
    onProgress: (progress) => tracker.report(name, name, progress),
  });
  tracker.done(name);
  return report;
}

async function verifyWatched({ cli, services, stop, flags, found, target, publicKey }: Task): Promise<VerifyReport> {
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: 0, stop });
  const ports = { transfer: services.transfer({ workers: flags.workers }), inspector: services.inspector, target };
  const keys = await readKeys(flags);
  const request = { ...found.subject, percent: flags.sample, ...(publicKey === undefined ? {} : { publicKey }) };
  let current: string | undefined;
  const o: Cancel & { readonly onProgress: NonNullable<Parameters<ReturnType<typeof verifyExport>>[1]['onProgress']> } = {
    signal: stop.signal,
    onProgress({ file, progress }) {
      if (current !== undefined && current !== file) tracker.done(current);
      current = file;
      tracker.report(file, file, progress);
    },
  };
  const report = await askIfLocked(keys, cli.terminal, (known) => verifyExport(ports)({ ...request, keys: known }, o));
  if (current !== undefined) tracker.done(current);
  return report;
}

/** A difference outweighs a signature: it says that the copy itself is no good. */
function toError(report: VerifyReport): HyperError {
  const different = report.disks.find((disk) => disk.outcome.result === 'different');
  const finding = report.findings.find((one) => one.severity === 'error' && (different === undefined || one.path === different.file));
  // Where the leaf is named, there is nothing to add.
  const isNamed = different?.outcome.result === 'different' && different.outcome.leaf !== undefined;
  const why = isNamed ? undefined : finding?.detail;
  const message = [finding?.summary ?? 'The export is not what was recorded.', why].filter((part) => part !== undefined).join(' ');
  const detail = { ...(different ? { file: different.file, ...different.outcome } : {}), disks: report.disks, findings: report.findings };
  return new HyperError(different ? 'verify/mismatch' : 'receipt/untrusted', message, { detail });
}

const SIGNATURES = { valid: 'valid', absent: 'no receipt', untrusted: 'NOT TRUSTED', unchecked: 'not checked' } as const satisfies Record<
  VerifiedDisk['receipt'],
  string
>;

function describe(report: VerifyReport, { terminal }: CliContext): string {
  const rows = report.disks.map((disk) => [
    disk.file,
    disk.outcome.result === 'equal' ? 'equal' : 'DIFFERENT',
    String(disk.outcome.leavesChecked),
    SIGNATURES[disk.receipt],
  ]);
  const table = formatTable([{ title: 'FILE' }, { title: 'CONTENT' }, { title: 'LEAVES READ', align: 'right' }, { title: 'SIGNATURE' }], rows);
  const notes = report.findings
    .filter((finding) => finding.severity !== 'error')
    .map((finding) => `${finding.severity}: ${printable(finding.summary)}\n`);
  return `${table}${notes.join('')}${report.ok ? describeSuccess(report, terminal) : ''}`;
}

/** Whoever changes an image can write a receipt that fits; only a signature tells. */
function describeSuccess({ disks }: VerifyReport, terminal: Terminal): string {
  return disks.every(({ receipt }) => receipt === 'valid')
    ? `${terminal.paint('green', 'Proven')}: what lies here is what was read from the source.\n`
    : `${terminal.paint('bold', 'Equal')} to what was recorded. That it was recorded by the exporter, only --public-key FILE can prove.\n`;
}

const toDocument = (found: FoundSubject, report: VerifyReport): unknown => ({
  ok: report.ok,
  folder: found.folder,
  exportId: report.manifest?.exportId,
  vm: report.manifest?.vm.name,
  disks: report.disks,
  findings: report.findings,
});
