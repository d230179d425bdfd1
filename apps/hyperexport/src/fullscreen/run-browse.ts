import { resolve } from 'node:path';
import type { CliContext } from '../cli-context.ts';
import type { BrowseFlags } from '../commands/browse.ts';
import { configFile, wantsColor } from '../config.ts';
import { toArgs } from '../flags/to-args.ts';
import { absolutePlace } from '../open-files.ts';
import { readProfiles, type Profile } from '../profile/read-profiles.ts';
import { withDefaults } from '../profile/with-defaults.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { openBrowse, type BrowseEvent, type BrowseState } from './browse-state.ts';
import { describeLeaving, exitCodeOfJobs } from './describe-leaving.ts';
import { findUnfinished } from './perform/find-unfinished.ts';
import { openPerformer } from './perform/performer.ts';
import { reduceBrowse } from './reduce-browse.ts';
import type { Screen } from './screen.ts';
import { watchJobControl } from './watch-job-control.ts';
import { viewBrowse } from './view-browse.ts';
import { windowSize } from './window.ts';

/** As for every program that Ctrl-C left. */
const LEFT_EXIT = 130;

/** Shows the full screen until it is left, then says on the ordinary page how each export ended and what goes on with it. Answers the exit code. */
export async function runFullScreen(cli: CliContext, flags: BrowseFlags, source: string): Promise<number> {
  using stop = listenForStop();
  const { state, isForced } = await showScreen(cli, { flags, source: absolutePlace(source), stop });
  cli.terminal.out(describeLeaving(state.jobs.jobs, cli.terminal));
  // Whoever will not wait gets what a kill leaves: a copy that goes on from its last checkpoint.
  if (isForced) process.exit(LEFT_EXIT);
  return exitCodeOfJobs(state.jobs.jobs) || (state.isLeaving ? LEFT_EXIT : 0);
}

interface Left {
  readonly state: BrowseState;
  readonly isForced: boolean;
}

async function showScreen(cli: CliContext, o: { readonly flags: BrowseFlags; readonly source: string; readonly stop: Stop }): Promise<Left> {
  const { flags, source, stop } = o;
  // React's development build keeps measurements of every draw, for ever.
  process.env['NODE_ENV'] ??= 'production';
  const [services, { openInkScreen }] = await Promise.all([cli.services(), import('./ink-screen.ts')]);
  const env = process.env;
  const left = Promise.withResolvers<Left>();
  let isOpen = true;
  let state = openBrowse({ source, sourceFlags: toSourceFlags(flags), size: windowSize(), unicode: cli.terminal.unicode });
  // Keys that come together, and what several exports report at a time, are drawn once.
  let isDrawn = true;
  const drawSoon = (): void => {
    if (isDrawn) setImmediate(draw);
    isDrawn = false;
  };
  const draw = (): void => {
    isDrawn = true;
    if (isOpen) screen.draw(viewBrowse(state));
  };
  const happen = (event: BrowseEvent): void => {
    const [next, effects] = reduceBrowse(state, event);
    state = next;
    drawSoon();
    for (const effect of effects) performer.perform(effect);
  };
  const performer = openPerformer({
    services,
    env,
    flags,
    signal: stop.signal,
    tell: happen,
    suspend: () => jobControl.sleep(),
    leave: ({ isForced }) => left.resolve({ state, isForced }),
  });
  const screen: Screen = openInkScreen(
    { onKey: (key) => happen({ kind: 'key', key }), onResize: (size) => happen({ kind: 'resized', size }) },
    { hasColor: wantsColor(env, true) },
  );
  using jobControl = watchJobControl(screen);
  try {
    stop.onStop(() => happen({ kind: 'stopped' }));
    screen.draw(viewBrowse(state));
    performer.perform({ kind: 'load', source });
    happen(await prepare(flags, { services, stop }));
    const end = await left.promise;
    if (!end.isForced) await performer[Symbol.asyncDispose]();
    return end;
  } finally {
    isOpen = false;
    await screen[Symbol.asyncDispose]();
  }
}

/** All but what is about the screen and the target. */
const toSourceFlags = ({ to: _to, profile: _profile, plain: _plain, ...flags }: BrowseFlags): readonly string[] => toArgs({ ...flags });

/** What profiles and the environment say, and what earlier runs left. */
async function prepare(
  flags: BrowseFlags,
  o: { readonly services: Awaited<ReturnType<CliContext['services']>>; readonly stop: Stop },
): Promise<BrowseEvent> {
  const { signal } = o.stop;
  const target = flags.to === undefined ? {} : { target: flags.to };
  const [profiles, settings, unfinished] = await Promise.all([
    readProfiles(configFile(process.env)),
    readDefaults(flags),
    findUnfinished(o.services, { signal, ...target }),
  ]);
  const profile = flags.profile ?? (process.env['HYPEREXPORT_PROFILE'] || profiles.default);
  return { kind: 'prepared', profiles: profiles.named, settings, unfinished, ...(profile === undefined ? {} : { profile }) };
}

/** The words that defaults add to a bare line, read back as settings. */
async function readDefaults({ to, profile }: BrowseFlags): Promise<Profile> {
  const { line } = await withDefaults(['export', ...(profile === undefined ? [] : [`--profile=${profile}`])], process.env);
  const settings: Record<string, string | boolean> = {};
  for (const word of line.slice(1)) {
    const [name = '', ...value] = word.replace(/^--/, '').split('=');
    settings[name] = word.includes('=') ? value.join('=') : true;
  }
  return to === undefined ? settings : { ...settings, to: resolve(to) };
}
