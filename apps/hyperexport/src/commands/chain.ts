import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { imageFlags, type ImageFlags } from '../flags/image-flags.ts';
import { WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parsePercent, parsePath, parseText } from '../flags/parsers.ts';

/** What can be done with chains. */
export const chainActions = ['list', 'verify', 'flatten', 'prune', 'restore', 'delete'] as const;
export type ChainAction = (typeof chainActions)[number];

export interface ChainFlags extends Pick<ImageFlags, 'format' | 'compression'>, ProgressFlags {
  readonly name?: string;
  readonly verify: number;
  readonly publicKey?: string;
  readonly workers?: number;
  readonly restart?: boolean;
  readonly dryRun?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const chainCommand = buildCommand<ChainFlags, [ChainAction, string], CliContext>({
  docs: {
    brief: 'List, verify, flatten and prune chains of incremental exports',
    fullDescription: `An export made with --incremental lies on the one before it; both are needed to
restore it, and QEMU opens it as it lies there. Nothing here needs the source.

  list DIR        the exports in DIR, and what each lies on
  verify FOLDER   proves an export link by link, like hyperexport verify
  flatten FOLDER  makes a full export of it, with the root that was recorded
  prune FOLDER    takes the links that a flattened export replaces out of their
                  chain, after that one was read whole and found right
  restore DIR     brings them back
  delete DIR      removes their files for good

EXAMPLES
  hyperexport chain list /backup
  hyperexport chain flatten /backup/web-01.0014
  hyperexport chain prune /backup/web-01.0015 --dry-run`,
  },
  parameters: {
    flags: {
      format: imageFlags.format,
      compression: imageFlags.compression,
      name: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: 'Folder name of the full export (the next number)' },
      verify: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read back' },
      publicKey: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'FILE', brief: "The exporter's public key, PEM" },
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      restart: { ...onOff, brief: 'Begin anew instead of going on' },
      dryRun: { ...onOff, brief: 'Only show what would be done' },
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parseAction, placeholder: 'ACTION', brief: 'list, verify, flatten, prune, restore or delete' },
        { parse: parsePath, placeholder: 'PATH', brief: 'Folder of exports, or of one' },
      ],
    },
  },
  loader: async () => (await import('../chain/run-chain.ts')).runChain,
});

function parseAction(text: string): ChainAction {
  const action = chainActions.find((one) => one === text);
  if (!action) throw new Error(`it must be one of ${chainActions.join(', ')}.`);
  return action;
}
