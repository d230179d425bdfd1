import { HyperError } from '@hypersdk/domain';
import type { CliContext } from '../cli-context.ts';
import type { BootFlags } from '../commands/boot.ts';
import { respond } from '../output/respond.ts';
import { listenForStop } from '../stop.ts';
import { describeBoot } from './describe-boot.ts';
import { describeBootVerdict } from './describe-boot-verdict.ts';
import { findGuest } from './find-guest.ts';
import { proveGuest, type GuestProof } from './prove-guest.ts';

export async function runBoot(this: CliContext, flags: BootFlags, path: string): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  const { firmware, controller, memory } = flags;
  await using found = await findGuest(services, path, { flags, stop });
  const { folder, subject } = found;
  const proof = await proveGuest({ services, ...(flags.quiet ? {} : { terminal: this.terminal }) }, subject, {
    signal: stop.signal,
    expect: flags.expect ?? [],
    timeLimitMs: flags.timeLimit * 1000,
    ...(firmware === undefined ? {} : { firmware }),
    ...(controller === undefined ? {} : { controller }),
    ...(memory === undefined ? {} : { memory }),
    unsandboxed: flags.allowUnsandboxed ?? false,
    folder: flags.evidence ?? folder,
  });
  const label = subject.vm ?? path;
  const text = (): string => describeBoot(proof, label, this.terminal);
  if (proof.record.verdict.kind === 'booted') return respond(this, flags, { document: proof, text });
  if (!flags.json && !flags.quiet) this.terminal.out(text());
  throw toError(proof, label);
}

const CODES = { failed: 'boot/failed', unclear: 'boot/unclear', skipped: 'boot/unavailable' } as const;

function toError({ record, files }: GuestProof, label: string): HyperError {
  const { verdict } = record;
  const code = verdict.kind === 'booted' ? 'internal/unexpected' : CODES[verdict.kind];
  return new HyperError(code, `${label}: ${describeBootVerdict(verdict)}`, { detail: { record, files } });
}
