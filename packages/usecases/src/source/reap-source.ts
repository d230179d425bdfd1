import type { ConnectionId, SourceEffect, VMId } from '@hypersdk/domain';
import type { Cancel, EffectJournal, JournalledEffect, Residue } from '@hypersdk/ports';
import { canonicalJson } from '../manifest/canonical-json.ts';

export interface ReapRequest {
  readonly connection: ConnectionId;
  /** Only what was made for this VM. */
  readonly vm?: VMId;
  readonly residue: Residue;
  /** Whether the run still goes on: what it made is in use. */
  readonly isRunning: (run: string) => boolean;
  /** Takes away, too, what carries our name but is in no journal here: another machine may be using it. */
  readonly unknownToo: boolean;
  /** Takes away, too, what was kept for exports that are not there any more. */
  readonly goneToo: boolean;
  /** Whether the export is not there any more that lay here. One whose place cannot be reached is not gone. */
  readonly isGone: (keptFor: string) => boolean;
  readonly dryRun: boolean;
}

export interface ReapReport {
  /** Taken away, or would be. */
  readonly removed: readonly SourceEffect[];
  /** Journalled, but not at the source: never made, or gone by itself. */
  readonly absent: readonly SourceEffect[];
  readonly inUse: readonly SourceEffect[];
  readonly kept: readonly SourceEffect[];
  /** Kept for an export that is not there any more, and was left. */
  readonly outlived: readonly (SourceEffect & Pick<JournalledEffect, 'keptFor'>)[];
  /** Carries our name, in no journal here, and was left. */
  readonly unknown: readonly SourceEffect[];
  readonly failed: readonly { readonly effect: SourceEffect; readonly error: unknown }[];
}

/** Cleans a source of what dead runs left there: first by what they journalled, then by name. What fails is reported and stays journalled, so that the next time tries again. */
export const reapSource =
  (journal: EffectJournal) =>
  async (request: ReapRequest, o: Cancel & { readonly onProblem?: (problem: string) => void }): Promise<ReapReport> => {
    const isMeant = ({ vm }: SourceEffect): boolean => request.vm === undefined || vm === request.vm;
    const journalled = (await journal.list(o)).filter(({ effect }) => effect.connection === request.connection && isMeant(effect));
    const found = (await collect(request.residue.find({ signal: o.signal }))).filter(isMeant);
    const known = new Set(journalled.map(({ effect }) => keyOf(effect)));
    const atSource = new Set(found.map(keyOf));
    const hasOutlived = ({ isKept, keptFor }: JournalledEffect): boolean => isKept && keptFor !== undefined && request.isGone(keptFor);
    const outlived = journalled.filter(hasOutlived);
    const kept = journalled.filter((record) => record.isKept && !hasOutlived(record)).map(({ effect }) => effect);
    const pending = journalled.filter(({ isKept }) => !isKept).map(({ effect }) => effect);
    const strangers = found.filter((effect) => !known.has(keyOf(effect)));

    const isBusy = ({ run }: SourceEffect): boolean => request.isRunning(run);
    const surplus = request.goneToo ? outlived.map(({ effect }) => effect) : [];
    const leftOver = [...pending, ...surplus, ...(request.unknownToo ? strangers : [])].filter((effect) => !isBusy(effect));
    const swept = await sweep(journal, request, { signal: o.signal, leftOver, atSource });
    return {
      ...swept,
      kept,
      outlived: request.goneToo ? [] : outlived.map(({ effect, keptFor }) => ({ ...effect, ...(keptFor === undefined ? {} : { keptFor }) })),
      inUse: [...pending, ...strangers].filter(isBusy),
      unknown: request.unknownToo ? [] : strangers.filter((effect) => !isBusy(effect)),
    };
  };

type Swept = Pick<ReapReport, 'removed' | 'absent' | 'failed'>;

interface Sweep extends Cancel {
  readonly leftOver: readonly SourceEffect[];
  readonly atSource: ReadonlySet<string>;
}

async function sweep(journal: EffectJournal, { residue, dryRun }: ReapRequest, { signal, leftOver, atSource }: Sweep): Promise<Swept> {
  const removed: SourceEffect[] = [];
  const absent: SourceEffect[] = [];
  const failed: { readonly effect: SourceEffect; readonly error: unknown }[] = [];
  for (const effect of inOrderOfUndoing(leftOver)) {
    signal.throwIfAborted();
    try {
      // A source may not be able to list a kind of effect: what was journalled is undone whether it was found or not.
      const wasThere = dryRun ? atSource.has(keyOf(effect)) : await residue.undo(effect, { signal });
      (wasThere ? removed : absent).push(effect);
      if (!dryRun) await journal.settle(effect, { signal });
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ effect, error });
    }
  }
  return { removed, absent, failed };
}

/** A job holds its checkpoint and its scratch files, which a VM has to run to be rid of; a VM holds its volumes: what holds others ends first. */
const UNDO_ORDER = ['backup-job', 'checkpoint', 'snapshot', 'vm', 'volume', 'scratch-file'] as const satisfies readonly SourceEffect['kind'][];

const inOrderOfUndoing = (effects: readonly SourceEffect[]): readonly SourceEffect[] =>
  effects.toSorted((a, b) => UNDO_ORDER.indexOf(a.kind) - UNDO_ORDER.indexOf(b.kind));

const keyOf = (effect: SourceEffect): string => canonicalJson(effect);

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
