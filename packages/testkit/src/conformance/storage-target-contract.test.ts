import { HyperError } from '@hypersdk/domain';
import type { StorageTarget } from '@hypersdk/ports';
import { MemoryTarget } from '../memory/memory-target.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';
import { checksOfStorageTarget, type OpenStorageTarget } from './storage-target-contract.ts';

const open = async (target: StorageTarget) => ({ target, reopen: async () => target });

function mutant(flaw: string, breaks: string, change: (target: StorageTarget) => Partial<StorageTarget>): Mutant<OpenStorageTarget> {
  return {
    flaw,
    breaks,
    subject: () => {
      const target = new MemoryTarget();
      return open(mutate<StorageTarget>(target, change(target)));
    },
  };
}

const gone = (name: string): HyperError => new HyperError('source/not-found', `There is no object ${name}.`);

proveChecks<OpenStorageTarget>({
  port: 'storage target',
  checksOf: checksOfStorageTarget,
  reference: () => open(new MemoryTarget()),
  mutants: [
    {
      flaw: 'forgets what was put when it is opened again',
      breaks: 'an object reads back as it was put, also through another handle',
      subject: async () => ({ target: new MemoryTarget(), reopen: async () => new MemoryTarget() }),
    },
    mutant('truncates objects', 'an object reads back as it was put, also through another handle', (target) => ({
      put: (name, bytes, o) => target.put(name, bytes.subarray(0, 16), o),
    })),
    mutant('leaves the end of a longer old object', 'a put replaces the old object as a whole', (target) => ({
      put: async (name, bytes, o) => {
        const old = await target.get(name, calm).catch(() => new Uint8Array(0));
        const joined = new Uint8Array(Math.max(old.length, bytes.length));
        joined.set(old);
        joined.set(bytes);
        await target.put(name, joined, o);
      },
    })),
    mutant(
      'replaces although only new names are wanted',
      'a name that is taken is refused when only new ones are wanted, and the old object stays',
      (target) => ({
        put: (name, bytes, o) => target.put(name, bytes, { ...o, ifAbsent: false }),
      }),
    ),
    mutant('looks before it puts', 'of several who put one new name at the same time, one wins', (target) => ({
      put: async (name, bytes, o) => {
        const taken = await target.get(name, calm).then(
          () => true,
          () => false,
        );
        if (taken && o.ifAbsent) throw new HyperError('target/exists', `${name} exists already.`);
        await target.put(name, bytes, { ...o, ifAbsent: false });
      },
    })),
    mutant('keeps the caller’s buffer', 'the bytes of a put may be used again once it has settled', (target) => {
      const kept = new Map<string, Uint8Array>();
      return {
        put: async (name, bytes, o) => {
          await target.put(name, bytes, o);
          kept.set(name, bytes);
        },
        get: async (name) => kept.get(name) ?? Promise.reject(gone(name)),
      };
    }),
    mutant('takes any name', 'a name outside the rule is refused by every call', (target) => ({
      put: (name, bytes, o) => target.put(name.replaceAll(/[^a-z]/g, '') || 'x', bytes, o),
    })),
    mutant('counts a part from its end', 'a part is answered exactly', (target) => ({
      get: (name, { range, ...o }) => target.get(name, range ? { ...o, range: { offset: range.offset, length: range.length - 1 } } : o),
    })),
    mutant('shortens a part that reaches past the end', 'a part that reaches past the end is refused, not shortened', (target) => ({
      get: async (name, { range, ...o }) => {
        const all = await target.get(name, o);
        return range ? all.slice(range.offset, range.offset + range.length) : all;
      },
    })),
    mutant('answers nothing for an absent object', 'an absent object is told apart from every other failure', (target) => ({
      get: (name, o) =>
        target
          .get(name, o)
          .catch((reason: unknown) =>
            reason instanceof HyperError && reason.code === 'source/not-found' ? new Uint8Array(0) : Promise.reject(reason),
          ),
    })),
    mutant('lists backwards', 'a list has each object with the prefix once, in name order, with its size', (target) => ({
      async *list(prefix, o) {
        yield* (await Array.fromAsync(target.list(prefix, o))).toReversed();
      },
    })),
    mutant('lists an object twice', 'a list has each object with the prefix once, in name order, with its size', (target) => ({
      async *list(prefix, o) {
        for await (const object of target.list(prefix, o)) yield* [object, object];
      },
    })),
    mutant('lists folders for the prefix', 'a list has each object with the prefix once, in name order, with its size', (target) => ({
      async *list(prefix, o) {
        for await (const object of target.list('', o)) if (prefix === '' || object.name.startsWith(`${prefix.split('/')[0]}/`)) yield object;
      },
    })),
    mutant('can be listed once only', 'a list can be left early and begun again', (target) => {
      let listed = false;
      return {
        async *list(prefix, o) {
          if (listed) return;
          listed = true;
          yield* target.list(prefix, o);
        },
      };
    }),
    mutant('fails to delete what is gone already', 'a deleted object is gone, and deleting it again is no error', (target) => ({
      delete: async (name, o) => {
        await target.get(name, o);
        await target.delete(name, o);
      },
    })),
    mutant('does not count', 'usage grows by what is put', () => ({ usage: async () => ({ used: 0 }) })),
    mutant('puts although it was cancelled', 'cancelled calls reject with the reason and change nothing', (target) => ({
      put: async (name, bytes, o) => {
        await target.put(name, bytes, { ...o, ...calm });
        o.signal.throwIfAborted();
      },
    })),
  ],
});
