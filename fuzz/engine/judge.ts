import { errorTable, HyperError } from '@hypersdk/domain';
import type { FuzzReader } from './fuzz-reader.ts';
import type { Sample } from './sample.ts';

/** A message is for a person; one that a file can make long fills a terminal and a log. */
const MESSAGE_LENGTH_MAX = 4096;

export type Verdict = 'read' | 'refused';

/** Runs a reader once. What it must not do is thrown. */
export async function judge(reader: FuzzReader, sample: Sample): Promise<Verdict> {
  try {
    const running = reader.execute(sample);
    if (running) await running;
    return 'read';
  } catch (error) {
    if (!(error instanceof HyperError) || error.code === 'internal/unexpected') throw error;
    if (!Object.hasOwn(errorTable, error.code)) throw new Error(`The code ${error.code} is not in the table.`, { cause: error });
    if (error.message.length > MESSAGE_LENGTH_MAX) throw new Error(`A message has ${error.message.length} letters.`, { cause: error });
    return 'refused';
  }
}
