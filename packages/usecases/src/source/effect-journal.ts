import { createHash } from 'node:crypto';
import { HyperError, providerKinds, sourceEffectKinds, toConnectionId, toVMId, type SourceEffect } from '@hypersdk/domain';
import type { Cancel, EffectJournal, JournalledEffect, StorageTarget } from '@hypersdk/ports';
import { z } from 'zod';
import { canonicalJson } from '../manifest/canonical-json.ts';
import { writeDocument } from '../manifest/export-manifest.ts';
import { text } from '../manifest/field-schemas.ts';
import { parseDocument } from '../manifest/parse-document.ts';

const recordSchema = z.strictObject({
  kind: z.literal('hypersdk.source-effect'),
  version: z.literal(1),
  isKept: z.boolean(),
  keptFor: text.exactOptional(),
  effect: z.strictObject({
    run: text.min(1),
    provider: z.enum(providerKinds),
    connection: text.transform(toConnectionId),
    vm: text.transform(toVMId).exactOptional(),
    kind: z.enum(sourceEffectKinds),
    name: text.min(1),
  }),
});

/** Effects at work are a handful for each disk; more records than this are not ours. */
const RECORD_COUNT_MAX = 100_000;

/** Keeps each effect as one small document of a storage target, whose puts and deletes are durable and whole: nothing is ever half recorded. */
export function openEffectJournal(target: StorageTarget): EffectJournal {
  const put = ({ effect, ...rest }: JournalledEffect, { signal }: Cancel): Promise<void> =>
    target.put(nameOf(effect), writeDocument({ kind: 'hypersdk.source-effect', version: 1, ...rest, effect }), { signal, ifAbsent: false });
  return {
    intend: (effect, o) => put({ effect, isKept: false }, o),
    keep: (effect, { signal, keptFor }) => put({ effect, isKept: true, ...(keptFor === undefined ? {} : { keptFor }) }, { signal }),
    settle: (effect, { signal }) => target.delete(nameOf(effect), { signal }),
    async list({ signal, onProblem }) {
      const found: JournalledEffect[] = [];
      for (const name of await namesIn(target, { signal })) {
        const record = await read(target, name, { signal, ...(onProblem ? { onProblem } : {}) });
        if (record) found.push(record);
      }
      return found;
    },
  };
}

/** Equal effects have one name, whatever they are called at the source. */
const nameOf = (effect: SourceEffect): string => `${createHash('sha256').update(canonicalJson(effect)).digest('hex')}.json`;

async function namesIn(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name } of target.list('', o)) {
    names.push(name);
    if (names.length > RECORD_COUNT_MAX)
      throw new HyperError('internal/unexpected', `The journal of effects holds more than ${RECORD_COUNT_MAX} records.`);
  }
  return names;
}

/** Undefined when another process settled it since it was listed. */
async function read(
  target: StorageTarget,
  name: string,
  { signal, onProblem }: Cancel & { readonly onProblem?: (problem: string) => void },
): Promise<JournalledEffect | undefined> {
  try {
    const bytes = await target.get(name, { signal });
    const { effect, isKept, keptFor } = parseDocument(bytes, {
      what: 'record of an effect',
      code: 'manifest/malformed',
      schema: recordSchema,
    }).document;
    return { effect, isKept, ...(keptFor === undefined ? {} : { keptFor }) };
  } catch (error) {
    if (!(error instanceof HyperError)) throw error;
    if (error.code === 'source/not-found') return undefined;
    if (error.code !== 'manifest/malformed') throw error;
    onProblem?.(`${name}: ${error.message}`);
    return undefined;
  }
}
