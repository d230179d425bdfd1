import type { ImageRef } from '@hypersdk/domain';
import type { ConversionNews, ConversionRequest, GuestConverter } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';

export interface GuestConverterSubject extends AsyncDisposable {
  readonly converter: GuestConverter;
  /** A guest that can be converted: a disk with its system, and one that has nothing to do with it. */
  readonly convertible: ConversionRequest;
  /** Disks that hold no system. */
  readonly empty: ConversionRequest;
  /** Identifies what an image holds, as the guest sees it. */
  contentOf(image: ImageRef): Promise<string>;
  /** Identifies the files of all originals. */
  digest(): Promise<string>;
  /** Conversions that run, and whatever else of them is left. */
  remains(): Promise<number>;
}

export type OpenGuestConverter = () => Promise<GuestConverterSubject>;

/** Emulated, and on a busy machine, a conversion takes minutes. */
const TIMEOUT_MS = 600_000;

/** What every converter of guests promises. `open` answers a fresh one, with its guests. */
export function guestConverterContract(open: OpenGuestConverter): void {
  registerChecks('guest converter', checksOfGuestConverter(open), TIMEOUT_MS);
}

export const checksOfGuestConverter = (open: OpenGuestConverter): readonly Check[] => [...checksOfConverting(open), ...checksOfRefusing(open)];

const refOf = ({ path, format }: ConversionRequest['disks'][number]): ImageRef => ({ path, format, references: 'refuse' });

const checksOfConverting = (open: OpenGuestConverter): readonly Check[] => [
  {
    name: 'it says what a conversion is made with, and says the same again',
    run: async () => {
      await using subject = await open();
      const about = await subject.converter.probe(calm);
      expect(about).toMatchObject({ ready: true, program: expect.stringMatching(/./), version: expect.stringMatching(/\d/) });
      expect(await subject.converter.probe(calm)).toEqual(about);
    },
  },
  {
    name: 'a converted guest lies in the work folder, its disks in their order, and the originals are as they were',
    run: async () => {
      await using subject = await open();
      const { converter, convertible } = subject;
      const before = await subject.digest();
      const news: ConversionNews[] = [];
      const { disks, notes, warnings } = await converter.convert(convertible, { ...calm, onNews: (one) => void news.push(one) });
      expect(await subject.digest()).toBe(before);
      expect(disks).toHaveLength(convertible.disks.length);
      expect(disks.every(({ path }) => path.startsWith(`${convertible.work}/`))).toBe(true);
      const contents = (images: readonly ImageRef[]): Promise<readonly string[]> => Promise.all(images.map((image) => subject.contentOf(image)));
      const [system, other] = await contents(disks);
      const [systemBefore, otherBefore] = await contents(convertible.disks.map(refOf));
      expect(system).not.toBe(systemBefore);
      expect(other).toBe(otherBefore);
      const told = (wanted: ConversionNews['kind']): readonly string[] => news.flatMap(({ kind, text }) => (kind === wanted ? [text] : []));
      expect(told('step').length).toBeGreaterThan(1);
      expect({ notes, warnings }).toEqual({ notes: told('note'), warnings: told('warning') });
      expect(await subject.remains()).toBe(0);
    },
  },
];

const checksOfRefusing = (open: OpenGuestConverter): readonly Check[] => [
  {
    name: 'disks without a system are refused, and stay as they were',
    run: async () => {
      await using subject = await open();
      const before = await subject.digest();
      await expectRefusal(subject.converter.convert(subject.empty, calm), 'convert/failed');
      expect(await subject.digest()).toBe(before);
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'when the time is over nothing runs on',
    run: async () => {
      await using subject = await open();
      await expectRefusal(subject.converter.convert({ ...subject.convertible, timeLimitMs: 1 }, calm), 'convert/failed');
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'a conversion that is called off ends with the reason and leaves nothing running',
    run: async () => {
      await using subject = await open();
      const before = await subject.digest();
      const stop = new AbortController();
      const reason = new Error('called off');
      const conversion = subject.converter.convert(subject.convertible, { signal: stop.signal, onNews: () => stop.abort(reason) });
      await expect(conversion).rejects.toBe(reason);
      expect(await subject.remains()).toBe(0);
      expect(await subject.digest()).toBe(before);
    },
  },
  {
    name: 'a cancelled call rejects with the reason and starts nothing',
    run: async () => {
      await using subject = await open();
      await expectCancelled((o) => subject.converter.probe(o));
      await expectCancelled((o) => subject.converter.convert(subject.convertible, o));
      expect(await subject.remains()).toBe(0);
    },
  },
  {
    name: 'a missing image is refused, and nothing is started',
    run: async () => {
      await using subject = await open();
      const [first, ...others] = subject.convertible.disks;
      const disks = [{ format: 'raw' as const, ...first, path: `${first?.path ?? ''}.absent` }, ...others];
      await expectRefusal(subject.converter.convert({ ...subject.convertible, disks }, calm), 'source/not-found');
      expect(await subject.remains()).toBe(0);
    },
  },
];
