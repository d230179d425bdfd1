import type { VMEvent } from '@hypersdk/domain';
import type { Events, VMEvents } from '@hypersdk/ports';
import { type ArrangeProvider, calm, mutate, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const eventsMutant = facetMutant('events');

const streamMutant = (flaw: string, breaks: string, change: (stream: VMEvents) => Partial<VMEvents>): Mutant<ArrangeProvider> =>
  eventsMutant(flaw, breaks, (events) => ({ open: async (o) => changed(await events.open(o), change) }));

const changed = (stream: VMEvents, change: (stream: VMEvents) => Partial<VMEvents>): VMEvents => mutate<VMEvents>(stream, change(stream));

const TOLD = 'what happens to a VM is told in its order, to every consumer';
const GAP = 'a consumer that is too slow is told of a gap, and then of what came after it';
const ENDS = 'a stream that is disposed of ends, and another one goes on';

/** Each iteration goes on where the one before stopped. */
const filtered = (stream: VMEvents, isTold: (event: VMEvent) => boolean): Partial<VMEvents> => ({
  async *[Symbol.asyncIterator]() {
    for await (const event of stream) if (isTold(event)) yield event;
  },
});

/** Wrong ways to tell what happens, each with the check that has to find it. */
export const eventsMutants: readonly Mutant<ArrangeProvider>[] = [
  streamMutant('tells nothing of what is suspended', TOLD, (stream) => filtered(stream, ({ kind }) => kind !== 'suspended')),
  eventsMutant('tells only its first consumer', TOLD, (events) => {
    let isTaken = false;
    return {
      open: async (o) => {
        const stream = await events.open(o);
        if (isTaken) await stream[Symbol.asyncDispose]();
        isTaken = true;
        return stream;
      },
    };
  }),
  eventsMutant('tells newcomers what they missed', 'what happened before is not told', (events) => ({
    open: once(async (o) => {
      const stream = await events.open(o);
      const past: VMEvent[] = [];
      void keep(stream, past);
      return { ...replay(past), [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose]() };
    }),
  })),
  streamMutant('ends where it should tell of a gap', GAP, (stream) => ({
    async *[Symbol.asyncIterator]() {
      for await (const event of stream) {
        if (event.kind === 'gap') return;
        yield event;
      }
    },
  })),
  eventsMutant('holds whatever comes', GAP, (events) => ({ open: ({ signal }) => events.open({ signal }) })),
  streamMutant('tells of disposal by failing', ENDS, (stream) => ({
    async *[Symbol.asyncIterator]() {
      yield* stream;
      throw new Error('It is over.');
    },
  })),
  streamMutant('takes the end of its session for a lost connection', 'streams end with their session', (stream) => ({
    async *[Symbol.asyncIterator]() {
      yield* stream;
      yield { kind: 'gap', reason: 'connection' };
    },
  })),
  eventsMutant('holds nothing when it is asked to', 'room for no event is refused, and a cancelled opening rejects with the reason', (events) => ({
    open: ({ heldMax, ...o }) => events.open({ ...o, ...(heldMax ? { heldMax: Math.max(1, Math.ceil(heldMax)) } : {}) }),
  })),
  eventsMutant('opens although it was cancelled', 'room for no event is refused, and a cancelled opening rejects with the reason', (events) => ({
    open: (o) => events.open({ ...o, ...calm }),
  })),
];

/** Gives the first answer again and again. */
function once(open: Events['open']): Events['open'] {
  let first: ReturnType<Events['open']> | undefined;
  return (o) => (first ??= open(o));
}

async function keep(stream: VMEvents, past: VMEvent[]): Promise<void> {
  for await (const event of stream) past.push(event);
}

/** From the beginning for everyone, in turns of the event loop. */
const replay = (past: readonly VMEvent[]): AsyncIterable<VMEvent> => ({
  async *[Symbol.asyncIterator]() {
    for (let at = 0; at < 1000;) {
      const event = past[at];
      if (event) at += 1;
      if (event) yield event;
      else await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
});
