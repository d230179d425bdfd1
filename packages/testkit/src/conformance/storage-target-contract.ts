import type { StorageTarget } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled, expectEqualBytes, expectRefusal } from './expectations.ts';

export interface StorageTargetSubject {
  readonly target: StorageTarget;
  /** The same place seen by a second handle; absent where there is no other. */
  reopen?(): Promise<StorageTarget>;
}

export type OpenStorageTarget = () => Promise<StorageTargetSubject>;

/** What every storage target promises. `open` answers a fresh, empty one. */
export function storageTargetContract(open: OpenStorageTarget): void {
  registerChecks('storage target', checksOfStorageTarget(open));
}

export const checksOfStorageTarget = (open: OpenStorageTarget): readonly Check[] => [...putChecks(open), ...getChecks(open), ...placeChecks(open)];

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const replacing = { ...calm, ifAbsent: false };
const onlyNew = { ...calm, ifAbsent: true };

/** None of them may reach a file system: each breaks the rule for names in its own way. */
const BAD_NAMES = [
  '',
  '.',
  '..',
  '../up',
  '/absolute',
  'a//b',
  'a/',
  'a/../b',
  '.hidden',
  'a/.hidden',
  'a\\b',
  'a b',
  'a\0b',
  'a\nb',
  'ä',
  `a${'b'.repeat(128)}`,
];

function putChecks(open: OpenStorageTarget): readonly Check[] {
  return [
    {
      name: 'an object reads back as it was put, also through another handle',
      run: async () => {
        const { target, reopen } = await open();
        const names = ['plain', 'a/b/c.manifest.json', 'empty', `x${'y'.repeat(127)}`];
        for (const name of names) await target.put(name, bytesOf(name === 'empty' ? '' : name), replacing);
        const again = (await reopen?.()) ?? target;
        for (const name of names) expectEqualBytes(await again.get(name, calm), bytesOf(name === 'empty' ? '' : name));
      },
    },
    {
      name: 'a put replaces the old object as a whole',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('a long first version'), replacing);
        await target.put('object', bytesOf('short'), replacing);
        expectEqualBytes(await target.get('object', calm), bytesOf('short'));
      },
    },
    {
      name: 'a name that is taken is refused when only new ones are wanted, and the old object stays',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('first'), onlyNew);
        await expectRefusal(target.put('object', bytesOf('second'), onlyNew), 'target/exists');
        expectEqualBytes(await target.get('object', calm), bytesOf('first'));
      },
    },
    {
      name: 'of several who put one new name at the same time, one wins',
      run: async () => {
        const { target } = await open();
        const texts = ['one', 'two', 'three', 'four'];
        const outcomes = await Promise.allSettled(texts.map((text) => target.put('object', bytesOf(text), onlyNew)));
        const winners = texts.filter((_, index) => outcomes[index]?.status === 'fulfilled');
        expect(winners).toHaveLength(1);
        expectEqualBytes(await target.get('object', calm), bytesOf(winners[0] ?? ''));
      },
    },
    {
      name: 'the bytes of a put may be used again once it has settled',
      run: async () => {
        const { target } = await open();
        const borrowed = bytesOf('borrowed');
        await target.put('object', borrowed, replacing);
        borrowed.fill(0);
        expectEqualBytes(await target.get('object', calm), bytesOf('borrowed'));
      },
    },
    {
      name: 'a name outside the rule is refused by every call',
      run: async () => {
        const { target } = await open();
        for (const name of BAD_NAMES) {
          await expectRefusal(target.put(name, bytesOf('x'), replacing), 'usage/invalid');
          await expectRefusal(target.get(name, calm), 'usage/invalid');
          await expectRefusal(target.delete(name, calm), 'usage/invalid');
        }
        expect(await Array.fromAsync(target.list('', calm))).toEqual([]);
      },
    },
  ];
}

function getChecks(open: OpenStorageTarget): readonly Check[] {
  return [
    {
      name: 'a part is answered exactly',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('0123456789'), replacing);
        expectEqualBytes(await target.get('object', { ...calm, range: { offset: 3, length: 4 } }), bytesOf('3456'));
        expectEqualBytes(await target.get('object', { ...calm, range: { offset: 9, length: 1 } }), bytesOf('9'));
      },
    },
    {
      name: 'a part that reaches past the end is refused, not shortened',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('0123456789'), replacing);
        await expectRefusal(target.get('object', { ...calm, range: { offset: 8, length: 3 } }), 'source/unreadable');
      },
    },
    {
      name: 'an absent object is told apart from every other failure',
      run: async () => {
        const { target } = await open();
        await target.put('object/inside', bytesOf('x'), replacing);
        await expectRefusal(target.get('absent', calm), 'source/not-found');
        await expectRefusal(target.get('object', calm), 'source/not-found');
      },
    },
  ];
}

function placeChecks(open: OpenStorageTarget): readonly Check[] {
  return [
    {
      name: 'a list has each object with the prefix once, in name order, with its size',
      run: async () => {
        const { target } = await open();
        for (const name of ['b', 'a/2', 'a-1', 'a/10', 'a0', 'B']) await target.put(name, bytesOf(name), replacing);
        expect(await namesIn(target, '')).toEqual(['B:1', 'a-1:3', 'a/10:4', 'a/2:3', 'a0:2', 'b:1']);
        expect(await namesIn(target, 'a/')).toEqual(['a/10:4', 'a/2:3']);
        expect(await namesIn(target, 'a/1')).toEqual(['a/10:4']);
        expect(await namesIn(target, 'nothing')).toEqual([]);
      },
    },
    {
      name: 'a list can be left early and begun again',
      run: async () => {
        const { target } = await open();
        for (const name of ['a', 'b', 'c']) await target.put(name, bytesOf(name), replacing);
        for await (const first of target.list('', calm)) {
          expect(first.name).toBe('a');
          break;
        }
        expect(await namesIn(target, '')).toEqual(['a:1', 'b:1', 'c:1']);
      },
    },
    {
      name: 'a deleted object is gone, and deleting it again is no error',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('x'), replacing);
        await target.delete('object', calm);
        await target.delete('object', calm);
        await expectRefusal(target.get('object', calm), 'source/not-found');
        expect(await namesIn(target, '')).toEqual([]);
      },
    },
    {
      name: 'usage grows by what is put',
      run: async () => {
        const { target } = await open();
        const before = await target.usage(calm);
        await target.put('object', new Uint8Array(64 * 1024).fill(7), replacing);
        const { used, free } = await target.usage(calm);
        expect(used - before.used).toBeGreaterThanOrEqual(64 * 1024);
        expect(free ?? 0).toBeGreaterThanOrEqual(0);
      },
    },
    {
      name: 'cancelled calls reject with the reason and change nothing',
      run: async () => {
        const { target } = await open();
        await target.put('object', bytesOf('kept'), replacing);
        await expectCancelled((o) => target.put('object', bytesOf('lost'), { ...o, ifAbsent: false }));
        await expectCancelled((o) => target.delete('object', o));
        await expectCancelled((o) => target.get('object', o));
        await expectCancelled((o) => Array.fromAsync(target.list('', o)));
        await expectCancelled((o) => target.usage(o));
        expectEqualBytes(await target.get('object', calm), bytesOf('kept'));
      },
    },
  ];
}

const namesIn = async (target: StorageTarget, prefix: string): Promise<readonly string[]> =>
  Array.fromAsync(target.list(prefix, calm), ({ name, size }) => `${name}:${size}`);
