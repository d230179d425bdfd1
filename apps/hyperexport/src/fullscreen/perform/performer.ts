import { resolve } from 'node:path';
import type { Cancel } from '@hypersdk/ports';
import { configFile, type Environment } from '../../config.ts';
import { chooseVMs } from '../../export/choose-vms.ts';
import { openExport } from '../../export/open-export.ts';
import { parseExportLine } from '../../export/parse-export-line.ts';
import { planVMs } from '../../export/plan-vms.ts';
import { openToLook, type LookFlags } from '../../open-files.ts';
import { toHyperError } from '../../output/error-report.ts';
import { formatDuration } from '../../progress/format-progress.ts';
import { rateAt } from '../../rate/rate-limit.ts';
import { saveProfile } from '../../profile/save-profile.ts';
import type { Services } from '../../services.ts';
import type { BrowseEffect, BrowseEvent } from '../browse-state.ts';
import { judgeChoices } from './judge-choices.ts';
import { latestOnly } from './latest-only.ts';
import { lookIntoDisks } from './look-into-disks.ts';
import { JobRunner } from './run-jobs.ts';

interface Surroundings extends Cancel {
  readonly services: Services;
  readonly env: Environment;
  readonly flags: LookFlags;
  tell(event: BrowseEvent): void;
  /** The terminal is wanted elsewhere, or the program ends. */
  suspend(): void;
  leave(o: { readonly isForced: boolean }): void;
}

/** Whoever runs through a list does not want every disk on the way looked into. */
const LOOK_AFTER_MS = 150;

/** Does what states ask for. Each answer comes back as an event; an answer that has been overtaken does not come at all. */
export function openPerformer(around: Surroundings): AsyncDisposable & { perform(effect: BrowseEffect): void } {
  const { services, tell } = around;
  const runner = new JobRunner(services, tell);
  const loads = latestOnly(around, tell);
  const looks = latestOnly(around, tell);
  const judgements = latestOnly(around, tell);
  const saves = latestOnly(around, tell);
  const perform = (effect: BrowseEffect): void => {
    switch (effect.kind) {
      case 'load':
        return loads((o) => load(around, effect.source, o));
      case 'look':
        return looks((o) => look(around, effect.vm, o));
      case 'check':
        return judgements(async () => {
          const problem = await judgeChoices(services, effect);
          return { kind: 'checked', ...(problem === undefined ? {} : { problem }) };
        });
      case 'plan':
        return judgements((o) => plan(services, effect.line, o));
      case 'save':
        return saves(() => save(around, effect));
      case 'run':
        return runner.start(effect.job);
      case 'halt':
        return runner.halt(effect.job);
      case 'suspend':
        return around.suspend();
      case 'leave':
        return around.leave(effect);
    }
  };
  return { perform, [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose]() };
}

async function load({ services, flags }: Surroundings, source: string, { signal }: Cancel): Promise<BrowseEvent> {
  const leftOut: string[] = [];
  try {
    await using session = await openToLook(services, source, { signal, flags });
    const vms = await chooseVMs(session.facets.inventory, { names: [] }, { signal, onProblem: (problem) => leftOut.push(problem) });
    return { kind: 'loaded', source, vms, leftOut };
  } catch (thrown) {
    const { message, mend } = toHyperError(thrown);
    return { kind: 'loaded', source, vms: [], leftOut, problem: `${message.replace(/\.$/, '')}. ${mend}` };
  }
}

async function look({ services, flags, tell }: Surroundings, vm: Extract<BrowseEffect, { kind: 'look' }>['vm'], o: Cancel): Promise<BrowseEvent> {
  await new Promise((done) => setTimeout(done, LOOK_AFTER_MS));
  o.signal.throwIfAborted();
  tell({ kind: 'looked', vm: vm.id, looks: 'looking' });
  // What was begun is ended: its answer is kept even when the cursor has moved on.
  const looks = await lookIntoDisks(services, vm, { signal: new AbortController().signal, follows: flags.followReferences ?? false });
  return { kind: 'looked', vm: vm.id, looks };
}

async function plan(services: Services, line: readonly string[], o: Cancel): Promise<BrowseEvent> {
  try {
    const order = await parseExportLine(line);
    await using opened = await openExport(services, order, { signal: o.signal, onProblem: () => undefined });
    const plans = await planVMs(services, opened, o);
    const { limitRate } = order.flags;
    const now = new Date();
    const rate = limitRate && rateAt(limitRate, now.getHours() * 60 + now.getMinutes());
    const size = plans.flatMap(({ disks }) => disks).reduce((sum, { virtualSize, allocatedSize }) => sum + (allocatedSize ?? virtualSize), 0);
    return { kind: 'planned', plans, ...(rate === undefined ? {} : { slowest: formatDuration((size / rate) * 1000) }) };
  } catch (thrown) {
    const { message, mend } = toHyperError(thrown);
    return { kind: 'unplannable', problem: `${message.replace(/\.$/, '')}. ${mend}` };
  }
}

async function save({ env }: Surroundings, { name, profile }: Extract<BrowseEffect, { kind: 'save' }>): Promise<BrowseEvent> {
  try {
    // A profile that is used from another folder still means the same place.
    const to = profile['to'];
    const kept = to === undefined ? profile : { ...profile, to: resolve(String(to)) };
    await saveProfile(configFile(env), name, kept);
    return { kind: 'saved', name, profile: kept };
  } catch (thrown) {
    return { kind: 'told', text: toHyperError(thrown).message };
  }
}
