import type { ConnectionId, VMId } from './ids.ts';
import type { ProviderKind } from './provider-kind.ts';

/** What an export may have to make at a source for a while. */
export const sourceEffectKinds = ['backup-job', 'checkpoint', 'scratch-file', 'snapshot', 'vm', 'volume'] as const;
export type SourceEffectKind = (typeof sourceEffectKinds)[number];

/** One thing that a run made at a source, or is about to make. Its name there carries the run, so that it is found again without our records. */
export interface SourceEffect {
  /** The run that made it. */
  readonly run: string;
  readonly provider: ProviderKind;
  readonly connection: ConnectionId;
  readonly vm?: VMId;
  readonly kind: SourceEffectKind;
  /** What it is called at the source: a checkpoint's name, a scratch file's path. */
  readonly name: string;
}
