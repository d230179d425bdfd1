import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where keys and history live: `$HYPERSDK_STATE`, else the XDG base directory for state, else `~/.local/state`. */
export function stateFolder(env: Environment): string {
  if (env['HYPERSDK_STATE']) return env['HYPERSDK_STATE'];
  // XDG Base Directory Specification 0.8: "If unset or empty" the default applies, and relative paths are to be ignored.
  const base = env['XDG_STATE_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.local', 'state'), 'hypersdk');
}

/** Where named defaults are kept: `$HYPEREXPORT_CONFIG`, else `hyperexport/config.yaml` in the XDG base directory for configuration, else in `~/.config`. */
export function configFile(env: Environment): string {
  if (env['HYPEREXPORT_CONFIG']) return env['HYPEREXPORT_CONFIG'];
  const base = env['XDG_CONFIG_HOME'];
  return join(base?.startsWith('/') ? base : join(env['HOME'] || homedir(), '.config'), 'hyperexport', 'config.yaml');
}

/** Colour is a courtesy of terminals: never with NO_COLOR (no-color.org: set and not empty) or on a dumb one. */
export const wantsColor = (env: Environment, isTerminal: boolean): boolean => isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

/** Whether the locale's characters are UTF-8; otherwise bars are drawn in ASCII. POSIX: LC_ALL, then LC_CTYPE, then LANG. */
export const speaksUnicode = (env: Environment): boolean => /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');

/** Whether somebody who hears the screen asked for lines that are never redrawn, once and for all: the flag `--plain` as a variable. */
export const wantsPlain = (env: Environment): boolean => /^(?:yes|true|on|1)$/i.test(env['HYPEREXPORT_PLAIN'] ?? '');
