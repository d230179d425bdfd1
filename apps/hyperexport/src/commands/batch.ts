import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { PARALLEL_MAX, WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parseText } from '../flags/parsers.ts';
import { parseRateLimit, type RateLimit } from '../rate/rate-limit.ts';

export interface BatchFlags extends ProgressFlags {
  readonly dryRun?: boolean;
  readonly plan?: boolean;
  readonly parallel?: number;
  readonly limitRate?: RateLimit;
  readonly onError?: 'stop' | 'continue';
  readonly hook?: string;
  readonly workers?: number;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;
const value = { kind: 'parsed', optional: true } as const;

export const batchCommand = buildCommand<BatchFlags, [string], CliContext>({
  docs: {
    brief: 'Run the exports that a YAML file lists',
    fullDescription: `The whole file is checked and every VM looked up before anything runs; the
plan is shown first. Typed again, it skips what it had finished and goes on
with the rest. Paths in FILE start from its own folder. docs/formats has the
description and a JSON Schema:

  version: 1
  defaults: {target: /backup, settings: {compression: zstd}}
  items:
    - {source: /vms, vm: {glob: 'web-*'}}
    - {source: /vms/db.vmdk, format: raw}

EXAMPLES
  hyperexport batch nightly.yaml --plan
  hyperexport batch nightly.yaml --parallel 4 --on-error continue
  hyperexport batch nightly.yaml --json --quiet`,
  },
  parameters: {
    flags: {
      dryRun: { ...onOff, brief: 'Only show what would be done' },
      plan: { ...onOff, brief: 'The same' },
      parallel: {
        ...value,
        parse: countParser({ min: 1, max: PARALLEL_MAX }),
        placeholder: 'N',
        brief: "Disks copied at a time (the file's, or 2)",
      },
      limitRate: { ...value, parse: parseRateLimit, placeholder: 'RATE', brief: 'Bytes a second at most over all items' },
      onError: { kind: 'enum', optional: true, values: ['stop', 'continue'], brief: 'After a failure' },
      hook: { ...value, parse: parseText, placeholder: 'PROGRAM', brief: 'Program told of the end, in JSON' },
      workers: { ...value, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      ...progressFlags,
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseText, placeholder: 'FILE', brief: 'Batch in YAML' }] },
  },
  loader: async () => (await import('../batch/run-batch.ts')).runBatch,
});
