import { formatBytes } from '@hypersdk/domain';
import { printable } from '../output/printable.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration } from '../progress/format-progress.ts';
import type { Terminal } from '../terminal.ts';
import { describeBootVerdict } from './describe-boot-verdict.ts';
import { NAMES, type GuestProof } from './prove-guest.ts';

/** What a person wants to know: whether it boots, on what it was tried, and where to look. */
export function describeBoot({ record, files }: GuestProof, label: string, terminal: Pick<Terminal, 'paint'>): string {
  const { verdict } = record;
  // Every other verdict is the error that follows.
  const said = verdict.kind === 'booted' ? `: ${terminal.paint('green', describeBootVerdict(verdict))}` : '';
  const head = `${terminal.paint('bold', printable(label))}${said}\n`;
  const attempts = record.attempts.map(
    ({ firmware, controller, accelerator, memory, cpus, elapsedMs, bytesRead, verdict }): readonly [string, string] => [
      'start',
      `${firmware.toUpperCase()}, ${controller}, ${formatBytes(memory)}, ${cpus} CPU, ${NAMES[accelerator]}: ${
        verdict.kind === 'failed' ? verdict.reason : verdict.kind
      } after ${formatDuration(elapsedMs)}, ${formatBytes(bytesRead)} read`,
    ],
  );
  const { emulator } = record;
  const where = emulator ? [['emulator', `${emulator.program} ${emulator.version}, in ${emulator.sandbox}`] as const] : [];
  return (
    head +
    formatFields([
      ...where,
      ...attempts,
      ...files.map((file): readonly [string, string] => [KINDS[file.slice(file.lastIndexOf('.'))] ?? 'file', file]),
    ])
  );
}

const KINDS: Readonly<Record<string, string>> = { '.png': 'screenshot', '.log': 'log', '.json': 'record' };
