import { HyperError } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { configFile } from '../config.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { parseText } from '../flags/parsers.ts';
import { respond } from '../output/respond.ts';
import { formatFields, formatTable } from '../output/table.ts';
import type { Profiles } from '../profile/read-profiles.ts';

/** What can be asked of profiles. */
export const profileActions = ['list', 'show'] as const;
type Action = (typeof profileActions)[number];

export const profileCommand = buildCommand<OutputFlags, [action?: Action, name?: string], CliContext>({
  docs: {
    brief: 'List or show named defaults from the configuration file',
    fullDescription: `A profile holds values of flags under a name, for export and convert. The file
is $XDG_CONFIG_HOME/hyperexport/config.yaml (else in ~/.config), or what
HYPEREXPORT_CONFIG names:

  default: nightly
  profiles:
    nightly:
      to: /backup
      compression: zstd:3
      limit-rate: 08:00-18:00=50M,*=500M

A flag on the command line counts before HYPEREXPORT_FLAG in the environment
(HYPEREXPORT_LIMIT_RATE=50M), that before the profile, and that before the
default of the flag.

EXAMPLES
  hyperexport profile list
  hyperexport profile show nightly
  hyperexport export /vms web-01 --profile nightly`,
  },
  parameters: {
    flags: outputFlags,
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parseAction, optional: true, placeholder: 'ACTION', brief: 'list (default) or show' },
        { parse: parseText, optional: true, placeholder: 'NAME', brief: 'Profile to show' },
      ],
    },
  },
  func: profile,
});

async function profile(this: CliContext, flags: OutputFlags, action: Action = 'list', name?: string): Promise<void> {
  const path = configFile(this.process.env ?? {});
  const { readProfiles } = await import('../profile/read-profiles.ts');
  const profiles = await readProfiles(path);
  if (action === 'show') return await showProfile(this, flags, { profiles, path, name: name ?? profiles.default });
  const listed = Array.from(profiles.named, ([known, settings]) => ({ name: known, isDefault: known === profiles.default, settings }));
  respond(this, flags, { document: { path, profiles: listed }, text: () => describeProfiles(listed, path) });
}

async function showProfile(
  cli: CliContext,
  flags: OutputFlags,
  { profiles, path, name }: { readonly profiles: Profiles; readonly path: string; readonly name: string | undefined },
): Promise<void> {
  if (name === undefined) throw new HyperError('usage/invalid', 'NAME is missing, and no profile is the default');
  const [{ findProfile }, { checkSettings }] = await Promise.all([import('../profile/read-profiles.ts'), import('../profile/with-defaults.ts')]);
  const settings = findProfile(profiles, name);
  await checkSettings(settings, name);
  respond(cli, flags, {
    document: { path, name, isDefault: name === profiles.default, settings },
    text: () => `${name}\n${formatFields(Object.entries(settings).map(([flag, value]) => [`--${flag}`, String(value)] as const))}`,
  });
}

function describeProfiles(
  listed: readonly { readonly name: string; readonly isDefault: boolean; readonly settings: object }[],
  path: string,
): string {
  if (listed.length === 0) return `No profile is configured; ${path} would hold them.\n`;
  return formatTable(
    [{ title: 'NAME' }, { title: 'DEFAULT' }, { title: 'SETS' }],
    listed.map(({ name, isDefault, settings }) => [name, isDefault ? 'yes' : '', Object.keys(settings).join(', ')]),
  );
}

function parseAction(text: string): Action {
  const action = profileActions.find((one) => one === text);
  if (!action) throw new Error(`it must be one of ${profileActions.join(', ')}.`);
  return action;
}
