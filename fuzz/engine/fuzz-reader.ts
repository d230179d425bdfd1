import type { Branches } from './branches.ts';
import type { Random } from './random.ts';
import type { Sample } from './sample.ts';

/** Something that reads what comes from outside. */
export interface FuzzReader {
  /** Fields change in place and sizes stay (images), or bytes come and go (documents, conversations). */
  readonly changes: 'places' | 'bytes';
  /** Samples to begin from, most of which are read without complaint. */
  seeds(): readonly Sample[] | Promise<readonly Sample[]>;
  /** Samples that are known to be refused. Others test them; a long run begins from them too. */
  hostile?(): readonly Sample[];
  /** Makes checksums right again after damage: otherwise nothing behind them would ever be reached. `before` is the sample that was damaged. */
  mend?(sample: Sample, o: { readonly before: Sample; readonly random: Random }): void;
  /** Does what the product does. A HyperError is a refusal; anything else that is thrown is a defect. */
  execute(sample: Sample): void | Promise<void>;
}

/** A reader by name, loaded where it is needed. */
export interface ListedReader {
  /** Imports the reader, so that `branches` counts in its sources when it is given. */
  load(branches?: Branches): Promise<FuzzReader>;
}
