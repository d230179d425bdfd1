import type { VMId, VMInfo } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import type { ExportPlan } from '@hypersdk/usecases';
import type { Profile } from '../profile/read-profiles.ts';
import type { ProgressLine } from '../progress/render-progress.ts';
import type { Job, JobEnd, JobsState } from './jobs/jobs-state.ts';
import { NO_JOBS } from './jobs/jobs-state.ts';
import { openList, subjectsOf, type DiskLook, type ListState } from './list/list-state.ts';
import { toExportLine } from './options/option-fields.ts';
import { NO_PROFILES, type Defaults, type OptionProblem, type OptionsState } from './options/options-state.ts';
import type { PlanState } from './plan/plan-state.ts';
import { openUnfinished, type UnfinishedState } from './unfinished/unfinished-state.ts';
import type { Key } from './widgets/key.ts';
import type { WindowSize } from './window.ts';

/** All that the screen is a function of. */
export interface BrowseState {
  readonly size: WindowSize;
  readonly unicode: boolean;
  readonly screen: 'unfinished' | 'list' | 'options' | 'plan' | 'jobs';
  readonly list: ListState;
  readonly options: OptionsState;
  readonly plan: PlanState;
  readonly jobs: JobsState;
  readonly unfinished: UnfinishedState;
  /** Flags about the source that the program was started with, for every command that is made. */
  readonly sourceFlags: readonly string[];
  readonly hasHelp: boolean;
  /** A question that only a yes answers. */
  readonly asking?: 'leave' | 'cancel';
  /** Leaves as soon as nothing goes on any more. */
  readonly isLeaving: boolean;
  /** A sentence about the last press, until the next. */
  readonly notice?: string;
}

/** What happens: a key, the window, or the answer to an effect. */
export type BrowseEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'resized'; readonly size: WindowSize }
  | { readonly kind: 'stopped' }
  | ({ readonly kind: 'prepared'; readonly unfinished: readonly HistoryEntry[] } & Defaults)
  | {
      readonly kind: 'loaded';
      readonly source: string;
      readonly vms: readonly VMInfo[];
      readonly leftOut: readonly string[];
      readonly problem?: string;
    }
  | { readonly kind: 'looked'; readonly vm: VMId; readonly looks: readonly DiskLook[] | 'looking' }
  | { readonly kind: 'checked'; readonly problem?: OptionProblem }
  | { readonly kind: 'planned'; readonly plans: readonly ExportPlan[]; readonly slowest?: string }
  | { readonly kind: 'unplannable'; readonly problem: string }
  | { readonly kind: 'sized'; readonly job: number; readonly size: number }
  | { readonly kind: 'progressed'; readonly job: number; readonly progress: ProgressLine }
  | { readonly kind: 'ended'; readonly job: number; readonly end: JobEnd }
  | { readonly kind: 'saved'; readonly name: string; readonly profile: Profile }
  | { readonly kind: 'told'; readonly text: string };

/** What a state asks to be done outside. */
export type BrowseEffect =
  | { readonly kind: 'load'; readonly source: string }
  | { readonly kind: 'look'; readonly vm: VMInfo }
  | { readonly kind: 'check' | 'plan'; readonly line: readonly string[]; readonly vms: readonly VMInfo[] }
  | { readonly kind: 'save'; readonly name: string; readonly profile: Profile }
  | { readonly kind: 'run'; readonly job: Job }
  | { readonly kind: 'halt'; readonly job: number }
  | { readonly kind: 'suspend' }
  /** `isForced`: without waiting for anything. */
  | { readonly kind: 'leave'; readonly isForced: boolean };

export type Step = readonly [BrowseState, readonly BrowseEffect[]];

interface Opening {
  readonly source: string;
  readonly sourceFlags: readonly string[];
  readonly size: WindowSize;
  readonly unicode: boolean;
}

export const openBrowse = ({ source, sourceFlags, size, unicode }: Opening): BrowseState => ({
  size,
  unicode,
  screen: 'list',
  list: openList(source),
  options: NO_PROFILES,
  plan: { state: 'planning' },
  jobs: NO_JOBS,
  unfinished: openUnfinished([]),
  sourceFlags,
  hasHelp: false,
  isLeaving: false,
});

/** The command that the choices make, of these VMs or of all that are chosen. */
export function exportLineOf({ list, options, sourceFlags }: BrowseState, vms: readonly VMInfo[] = subjectsOf(list)): readonly string[] {
  const { values, extra } = options;
  const isAll = vms.length > 1 && vms.length === list.vms.length;
  return toExportLine({ values, extra, sourceFlags, source: list.source, vms, isAll });
}
