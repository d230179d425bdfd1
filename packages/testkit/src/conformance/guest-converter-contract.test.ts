import type { ConversionRequest, GuestConverter } from '@hypersdk/ports';
import { MemoryFiles } from '../memory/memory-files.ts';
import { convertibleDisk, MemoryGuestConverter } from '../memory/memory-guest-converter.ts';
import { calm } from './expectations.ts';
import { checksOfGuestConverter, type GuestConverterSubject, type OpenGuestConverter } from './guest-converter-contract.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

const [SYSTEM, OTHER, BLANK] = ['/vm/system.raw', '/vm/other.raw', '/vm/blank.raw'];

const requestFor = (...paths: readonly string[]): ConversionRequest => ({
  name: 'web-01',
  firmware: 'bios',
  accelerator: 'tcg',
  disks: paths.map((path) => ({ path, format: 'raw' })),
  work: '/work',
  timeLimitMs: 60_000,
});

type Change = (converter: GuestConverter, files: MemoryFiles) => Partial<GuestConverter>;

function openMemory(change: Change = () => ({})): GuestConverterSubject {
  const files = new MemoryFiles();
  files.write(SYSTEM, convertibleDisk(512));
  files.write(OTHER, new Uint8Array(512).fill(7));
  files.write(BLANK, new Uint8Array(512));
  const converter = new MemoryGuestConverter(files);
  return {
    converter: mutate<GuestConverter>(converter, change(converter, files)),
    convertible: requestFor(SYSTEM, OTHER),
    empty: requestFor(BLANK),
    contentOf: async ({ path }) => Buffer.from(files.open(files.locate(path)).bytes).toString('latin1'),
    digest: async () => [SYSTEM, OTHER, BLANK].map((path) => files.find(path)?.version).join(),
    remains: async () => converter.running,
    [Symbol.asyncDispose]: async () => {},
  };
}

const mutant = (flaw: string, breaks: string, change: Change): Mutant<OpenGuestConverter> => ({
  flaw,
  breaks,
  subject: async () => openMemory(change),
});

const CONVERTED = 'a converted guest lies in the work folder, its disks in their order, and the originals are as they were';

proveChecks<OpenGuestConverter>({
  port: 'guest converter',
  checksOf: checksOfGuestConverter,
  reference: async () => openMemory(),
  mutants: [
    mutant('is another version each time', 'it says what a conversion is made with, and says the same again', (converter) => {
      let count = 0;
      return { probe: async (o) => ({ ...(await converter.probe(o)), version: String((count += 1)) }) };
    }),
    mutant('writes to the original', CONVERTED, (converter, files) => ({
      convert: async (request, o) => {
        files.write(request.disks[0]?.path ?? '', new Uint8Array(512));
        return converter.convert({ ...request, disks: requestFor(OTHER).disks }, o);
      },
    })),
    mutant('converts nothing', CONVERTED, (converter) => ({
      convert: async (request, o) => ({
        ...(await converter.convert(request, o)),
        disks: request.disks.map((disk) => ({ ...disk, references: 'refuse' })),
      }),
    })),
    mutant('turns the disks around', CONVERTED, (converter) => ({
      convert: async (request, o) => {
        const converted = await converter.convert(request, o);
        return { ...converted, disks: converted.disks.toReversed() };
      },
    })),
    mutant('says nothing of its work', CONVERTED, (converter) => ({ convert: (request, { signal }) => converter.convert(request, { signal }) })),
    mutant('keeps its warnings for itself', CONVERTED, (converter) => ({
      convert: async (request, o) => ({ ...(await converter.convert(request, o)), warnings: [] }),
    })),
    mutant('takes a blank disk for a guest', 'disks without a system are refused, and stay as they were', (converter) => ({
      convert: (request, o) => converter.convert({ ...request, disks: requestFor(SYSTEM).disks }, o),
    })),
    mutant('knows no time', 'when the time is over nothing runs on', (converter) => ({
      convert: (request, o) => converter.convert({ ...request, timeLimitMs: 60_000 }, o),
    })),
    mutant('is not to be stopped', 'a conversion that is called off ends with the reason and leaves nothing running', (converter) => ({
      convert: (request, o) => converter.convert(request, { ...o, ...calm }),
    })),
    mutant('starts although it was cancelled', 'a cancelled call rejects with the reason and starts nothing', (converter) => ({
      convert: (request) => converter.convert(request, calm),
    })),
    mutant('takes another disk where one is missing', 'a missing image is refused, and nothing is started', (converter) => ({
      convert: (request, o) => converter.convert({ ...request, disks: requestFor(SYSTEM).disks }, o),
    })),
  ],
});
