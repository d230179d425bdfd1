import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { HyperError, MIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { openPart } from '../../file/open-part.ts';
import { retryReads } from '../../stream/retry-reads.ts';
import type { ContainerTaskSpec, LeafResult } from '../messages.ts';
import type { Slot } from '../slots.ts';
import type { Work } from '../work-ring.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';

const READ_SIZE = MIB;

/** Reads a file, or a part of it, from its first to its last byte and answers its SHA-256. */
export class ContainerTask implements LeafTask {
  readonly #file: ByteFile;
  readonly #door: MoverDoor;

  constructor(spec: ContainerTaskSpec, door: MoverDoor) {
    this.#file = openPart(spec);
    this.#door = door;
  }

  async run(work: Work, slot: Slot): Promise<LeafResult> {
    const hash = createHash('sha256');
    for (let at = 0; at < this.#file.size; at += READ_SIZE) {
      if (this.#door.ring.stopped) throw new HyperError('transfer/cancelled', 'The check was stopped.');
      const piece = slot.leaf.subarray(0, Math.min(READ_SIZE, this.#file.size - at));
      await retryReads(() => this.#file.read(at, piece));
      hash.update(piece);
      // A long file must not hold up the other tasks of this mover, nor their end.
      await setImmediate();
    }
    return { leaf: work.leaf, digest: hash.digest(), dataRead: this.#file.size, stored: 0 };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
