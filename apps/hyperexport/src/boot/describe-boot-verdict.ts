import type { BootFailure, BootVerdict } from '@hypersdk/domain';
import { printable } from '../output/printable.ts';

/** One line: `booted ("web-01 login:")`. */
export function describeBootVerdict(verdict: BootVerdict): string {
  switch (verdict.kind) {
    case 'booted':
      return `booted ("${printable(verdict.sign)}")`;
    case 'failed':
      return `does not boot: ${FAILURES[verdict.reason]} ("${printable(verdict.sign)}")`;
    case 'unclear':
      return `unclear: ${printable(verdict.reason)}`;
    case 'skipped':
      return `not proven: ${printable(verdict.reason)}`;
  }
}

const FAILURES = {
  'no-boot-device': 'the firmware finds nothing to start',
  'damaged-loader': 'its boot loader does not work',
  'kernel-panic': 'its kernel gives up',
  'emergency-shell': 'it ends in an emergency shell',
  'reset-loop': 'it starts over and over',
} as const satisfies Record<BootFailure, string>;
