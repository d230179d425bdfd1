import type { BootMachine, BootObservation, BootProver } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';

export interface BootProverSubject extends AsyncDisposable {
  readonly prover: BootProver;
  /** A guest that writes to its disk, says `says` on its serial port, and then waits for ever. */
  readonly waiting: BootMachine;
  /** A guest that says `says` and switches itself off. */
  readonly ending: BootMachine;
  readonly says: string;
  /** Identifies the content of all images. */
  digest(): Promise<string>;
  /** Guests that run, and whatever else of them is left. */
  remains(): Promise<number>;
}

export type OpenBootProver = () => Promise<BootProverSubject>;

/** What every prover of boots promises. `open` answers a fresh one, with its guests. */
export function bootProverContract(open: OpenBootProver): void {
  registerChecks('boot prover', checksOfBootProver(open));
}

/** No guest of one sector takes this many half seconds. */
const OBSERVATIONS_MAX = 80;

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The first observation that satisfies, after which the guest is left. */
async function observeUntil(prover: BootProver, machine: BootMachine, isEnough: (seen: BootObservation) => boolean): Promise<BootObservation> {
  let count = 0;
  for await (const seen of prover.boot(machine, calm)) {
    if (isEnough(seen)) return seen;
    count += 1;
    if (count > OBSERVATIONS_MAX) break;
  }
  return expect.fail('The guest never showed what it does.');
}

export const checksOfBootProver = (open: OpenBootProver): readonly Check[] => [
  ...checksOfSeeing(open),
  ...checksOfLeaving(open),
  ...checksOfRefusing(open),
];

/** What a guest does is shown, and nothing of it stays. */
const checksOfSeeing = (open: OpenBootProver): readonly Check[] => [
  {
    name: 'it says what a proof runs on, and says the same again',
    run: async () => {
      await using subject = await open();
      const about = await subject.prover.probe(calm);
      expect(about).toMatchObject({ ready: true, firmwares: expect.arrayContaining(['bios']) });
      expect(await subject.prover.probe(calm)).toEqual(about);
    },
  },
  {
    name: 'what a guest says, reads and writes is seen, and its time passes',
    run: async () => {
      await using subject = await open();
      const { prover, waiting, says } = subject;
      const seen = await observeUntil(prover, waiting, (now) => decode(now.serial).includes(says));
      expect(seen).toMatchObject({ state: 'running', resets: 0 });
      expect(seen.bytesRead).toBeGreaterThan(0);
      const later = await observeUntil(prover, waiting, (now) => now.bytesWritten > 0 && decode(now.serial).includes(says) && now.elapsedMs > 1000);
      expect(later.elapsedMs).toBeLessThan(OBSERVATIONS_MAX * 1000);
    },
  },
  {
    name: 'the screen is a picture',
    run: async () => {
      await using subject = await open();
      const { screen } = await observeUntil(subject.prover, subject.waiting, (now) => now.screen !== undefined);
      expect(decode(screen?.png.subarray(1, 4) ?? new Uint8Array(0))).toBe('PNG');
      const header = Buffer.from(screen?.png ?? new Uint8Array(0));
      expect([header.readUInt32BE(16), header.readUInt32BE(20)]).toEqual([screen?.width, screen?.height]);
    },
  },
  {
    name: 'what a guest writes changes no image',
    run: async () => {
      await using subject = await open();
      const before = await subject.digest();
      await observeUntil(subject.prover, subject.waiting, (now) => now.bytesWritten > 0);
      expect(await subject.digest()).toBe(before);
    },
  },
];

/** Nothing of a guest is left, however it ends. */
const checksOfLeaving = (open: OpenBootProver): readonly Check[] => [
  {
    name: 'leaving the iteration ends the guest and leaves nothing',
    run: async () => {
      await using subject = await open();
      for await (const seen of subject.prover.boot(subject.waiting, calm)) {
        expect(seen.state).toBe('running');
        expect(await subject.remains()).toBeGreaterThan(0);
        break;
      }
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'a guest that switches itself off is seen to, and that is the last of it',
    run: async () => {
      await using subject = await open();
      const states: string[] = [];
      let said = '';
      for await (const seen of subject.prover.boot(subject.ending, calm)) {
        states.push(seen.state);
        said = decode(seen.serial);
        if (states.length > OBSERVATIONS_MAX) break;
      }
      expect(states.at(-1)).toBe('off');
      expect(states.slice(0, -1).every((state) => state === 'running')).toBe(true);
      expect(said).toContain(subject.says);
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'a running guest that is called off ends with the reason and leaves nothing',
    run: async () => {
      await using subject = await open();
      const stop = new AbortController();
      const reason = new Error('called off');
      const watch = async (): Promise<void> => {
        for await (const seen of subject.prover.boot(subject.waiting, { signal: stop.signal })) {
          if (stop.signal.aborted) expect.fail(`It went on, ${seen.state}.`);
          stop.abort(reason);
        }
      };
      await expect(watch()).rejects.toBe(reason);
      expect(await subject.remains()).toBe(0);
    },
  },
];

/** What cannot or must not be started is not. */
const checksOfRefusing = (open: OpenBootProver): readonly Check[] => [
  {
    name: 'a cancelled start rejects with the reason and starts nothing',
    run: async () => {
      await using subject = await open();
      await expectCancelled((o) => subject.prover.probe(o));
      await expectCancelled((o) => Array.fromAsync(subject.prover.boot(subject.waiting, o)));
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'a missing image is refused, and nothing is started',
    run: async () => {
      await using subject = await open();
      const [disk] = subject.waiting.disks;
      const machine: BootMachine = { ...subject.waiting, disks: [{ format: 'raw', beside: [], ...disk, path: `${disk?.path ?? ''}.absent` }] };
      await expectRefusal(Array.fromAsync(subject.prover.boot(machine, calm)), 'source/not-found');
      expect(await subject.remains()).toBe(0);
    },
  },
];
