import type { BootMachine, BootProver } from '@hypersdk/ports';
import { MemoryBootProver, memoryScreen } from '../memory/memory-boot-prover.ts';
import { MemoryFiles } from '../memory/memory-files.ts';
import { type BootProverSubject, checksOfBootProver, type OpenBootProver } from './boot-prover-contract.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

const WAITING = '/waiting.raw';
const ENDING = '/ending.raw';
const SAYS = 'hello from the guest';

const machineOf = (path: string): BootMachine => ({
  disks: [{ path, format: 'raw', beside: [] }],
  firmware: 'bios',
  controller: 'sata',
  accelerator: 'tcg',
  memory: 1,
  cpus: 1,
});

function openMemory(change: (prover: BootProver, files: MemoryFiles) => Partial<BootProver> = () => ({})): BootProverSubject {
  const files = new MemoryFiles();
  for (const path of [WAITING, ENDING]) files.write(path, new Uint8Array(512));
  const prover = new MemoryBootProver(files, {
    script: ({ disks: [disk] }) => [
      { bytesRead: 512, screen: memoryScreen('a') },
      { bytesWritten: 512, says: `${SAYS}\n`, state: disk?.path === ENDING ? 'off' : 'running' },
    ],
  });
  return {
    prover: mutate<BootProver>(prover, change(prover, files)),
    waiting: machineOf(WAITING),
    ending: machineOf(ENDING),
    says: SAYS,
    digest: async () => String(files.find(WAITING)?.version),
    remains: async () => prover.running,
    [Symbol.asyncDispose]: async () => {},
  };
}

const mutant = (flaw: string, breaks: string, change: (prover: BootProver, files: MemoryFiles) => Partial<BootProver>): Mutant<OpenBootProver> => ({
  flaw,
  breaks,
  subject: async () => openMemory(change),
});

const UNTOUCHED = 'what a guest writes changes no image';
const SEEN = 'what a guest says, reads and writes is seen, and its time passes';
const LEFT = 'leaving the iteration ends the guest and leaves nothing';

proveChecks<OpenBootProver>({
  port: 'boot prover',
  checksOf: checksOfBootProver,
  reference: async () => openMemory(),
  mutants: [
    mutant('changes its mind about the accelerator', 'it says what a proof runs on, and says the same again', (prover) => {
      let count = 0;
      return { probe: async (o) => ({ ...(await prover.probe(o)), version: String((count += 1)) }) };
    }),
    mutant('does not look at the serial port', SEEN, (prover) => ({
      boot: async function* (machine, o) {
        for await (const seen of prover.boot(machine, o)) yield { ...seen, serial: new Uint8Array(0) };
      },
    })),
    mutant('counts no time', SEEN, (prover) => ({
      boot: async function* (machine, o) {
        for await (const seen of prover.boot(machine, o)) yield { ...seen, elapsedMs: 0 };
      },
    })),
    mutant('calls a pixmap a PNG', 'the screen is a picture', (prover) => ({
      boot: async function* (machine, o) {
        for await (const seen of prover.boot(machine, o))
          yield seen.screen
            ? { ...seen, screen: { ...seen.screen, png: new TextEncoder().encode('P6\n1 1\n255\nrgb, and no more than that') } }
            : seen;
      },
    })),
    mutant('lets the guest write through', UNTOUCHED, (prover, files) => ({
      boot: async function* (machine, o) {
        for await (const seen of prover.boot(machine, o)) {
          if (seen.bytesWritten > 0) files.write(WAITING, new Uint8Array(512).fill(1));
          yield seen;
        }
      },
    })),
    mutant('lets the guest run on when nobody looks any more', LEFT, (prover) => ({
      boot: async function* (machine, o) {
        const iterator = prover.boot(machine, o)[Symbol.asyncIterator]();
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
      },
    })),
    mutant('goes on after the guest is off', 'a guest that switches itself off is seen to, and that is the last of it', (prover) => ({
      boot: async function* (machine, o) {
        for await (const seen of prover.boot(machine, o)) {
          yield seen;
          if (seen.state === 'off') yield { ...seen, state: 'running' };
        }
      },
    })),
    mutant('starts although it was cancelled', 'a cancelled start rejects with the reason and starts nothing', (prover) => ({
      boot: (machine) => prover.boot({ ...machine, disks: machineOf(ENDING).disks }, calm),
    })),
    mutant('is not to be stopped', 'a running guest that is called off ends with the reason and leaves nothing', (prover) => ({
      boot: async function* (machine, { signal }) {
        signal.throwIfAborted();
        yield* prover.boot(machine, calm);
      },
    })),
    mutant('starts with an empty disk where one is missing', 'a missing image is refused, and nothing is started', (prover) => ({
      boot: (machine, o) => prover.boot({ ...machine, disks: machine.disks.map((disk) => ({ ...disk, path: ENDING })) }, o),
    })),
  ],
});
