import { createHash } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';
import type { CopyOutcome, CopyProgress, CopyRequest, StorageTarget, Transfer, Watch } from '@hypersdk/ports';
import { calm, MemoryFolder, StagedVM } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { checkReceipt } from '../receipt/receipt.ts';
import type { ExportRequest } from './export-types.ts';
import { exportVM } from './export-vm.ts';
import { portsIn, requestFor } from './build-export.ts';

class Death extends Error {}

type Moment = 'before' | 'during' | 'after';

/** Lets the process die at one effect on the world: before it, half way (copies only), or right after it. From then on nothing has any effect. */
class MortalWorld {
  readonly #folder: MemoryFolder;
  readonly #transfer: Transfer;
  readonly #dies: { readonly effect: number; readonly moment: Moment };
  effects = 0;
  isDead = false;

  constructor(folder: MemoryFolder, transfer: Transfer, dies: { readonly effect: number; readonly moment: Moment }) {
    this.#folder = folder;
    this.#transfer = transfer;
    this.#dies = dies;
  }

  get target(): StorageTarget {
    const folder = this.#folder;
    return {
      folder: folder.folder,
      put: (name, bytes, o) => this.#effect(() => folder.put(name, bytes, o)),
      delete: (name, o) => this.#effect(() => folder.delete(name, o)),
      get: (name, o) => folder.get(name, o),
      list: (prefix, o) => folder.list(prefix, o),
      usage: (o) => folder.usage(o),
    };
  }

  get transfer(): Transfer {
    const transfer = this.#transfer;
    return {
      copy: (request, o) =>
        this.#effect(
          () => transfer.copy(request, o),
          () => this.#copyHalf(request, o),
        ),
      verify: (request, o) => transfer.verify(request, o),
      compare: (a, b, o) => transfer.compare(a, b, o),
      digest: (source, o) => transfer.digest(source, o),
      openBudget: (rate) => transfer.openBudget(rate),
      setRate: (budget, rate) => transfer.setRate(budget, rate),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async #effect<Result>(act: () => Promise<Result>, actHalf?: () => Promise<unknown>): Promise<Result> {
    if (this.isDead) throw new Death();
    // Only a copy has a middle.
    if (this.#dies.moment === 'during' && !actHalf) return act();
    const isLast = this.effects === this.#dies.effect;
    this.effects += 1;
    if (!isLast) return act();
    if (this.#dies.moment === 'during') await actHalf?.();
    if (this.#dies.moment === 'after') await act();
    this.isDead = true;
    throw new Death();
  }

  /** The copy keeps its checkpoint after the first leaf. */
  async #copyHalf(request: CopyRequest, o: Watch<CopyProgress>): Promise<CopyOutcome | undefined> {
    const stop = new AbortController();
    const half: Watch<CopyProgress> = { signal: AbortSignal.any([o.signal, stop.signal]), onProgress: () => stop.abort() };
    return this.#transfer.copy(request, half).catch(() => undefined);
  }
}

/** Two leaves where a copy is to die between them; as little as possible elsewhere. */
const sizes = { before: 4096, during: 4 * 1024 * 1024 + 512, after: 4096 } as const satisfies Record<Moment, number>;

function stage(moment: Moment) {
  const contents = [new Uint8Array(sizes[moment]).fill(7), new Uint8Array(2048).fill(9)];
  const folder = new MemoryFolder();
  const vm = new StagedVM(folder, contents);
  const { target: _, transfer, ...own } = portsIn(folder);
  const request = requestFor(vm);
  const run = (wanted: ExportRequest, world?: MortalWorld) =>
    exportVM({ ...own, target: world?.target ?? folder, transfer: world?.transfer ?? transfer })(wanted, calm);
  return { folder, vm, own, transfer, request, run, contents };
}

type Stage = ReturnType<typeof stage>;

/** What is true of an export whenever its manifest is there. */
async function expectWhole({ folder, own, vm }: Stage): Promise<void> {
  const manifest = parseExportManifest(await folder.get('web-01/export-manifest.json', calm));
  expect(manifest.disks).toHaveLength(vm.info.disks.length);
  for (const [index, disk] of manifest.disks.entries()) {
    const content = await folder.get(`web-01/${disk.file}`, calm);
    // A staged disk's mark is the digest of its content.
    expect(createHash('sha256').update(content).digest('hex')).toBe(disk.source.mark);
    const receipt = JSON.parse(new TextDecoder().decode(await folder.get(`web-01/${manifest.receipts[index]}`, calm)));
    expect(receipt.body.content).toEqual(disk.content);
    expect(checkReceipt(receipt, own.signer.publicKey)).toBe(true);
  }
  await folder.get('web-01/artifact-manifest.json', calm);
}

const hasManifest = async ({ folder }: Stage): Promise<boolean> => folder.find('/exports/web-01/export-manifest.json') !== undefined;

interface Story {
  readonly name: string;
  /** What happened before the run that dies. */
  readonly before: (stage: Stage) => Promise<void>;
  readonly changes: Partial<ExportRequest>;
  readonly moments: readonly Moment[];
}

const stories: readonly Story[] = [
  { name: 'a first run', before: async () => undefined, changes: {}, moments: ['before', 'during', 'after'] },
  {
    name: 'a run that replaces a complete export of older content',
    before: async ({ run, request, vm, contents }) => {
      vm.rewrite(0, new Uint8Array(contents[0]?.length ?? 0).fill(1));
      await run(request);
      vm.rewrite(0, contents[0] ?? new Uint8Array(0));
    },
    changes: { overwrite: true },
    moments: ['before', 'after'],
  },
  {
    name: 'a restart of an unfinished run',
    before: async ({ run, request, folder, transfer }) => {
      const world = new MortalWorld(folder, transfer, { effect: 5, moment: 'before' });
      await expect(run(request, world)).rejects.toBeInstanceOf(Death);
    },
    changes: { restart: true },
    moments: ['before', 'after'],
  },
];

/** More effects than any run here has; reaching it means that a run never ends. */
const EFFECT_COUNT_MAX = 60;

describe.each(stories)('$name', ({ before, changes, moments }) => {
  test.each(moments)('completes when it is run again after dying %s any of its effects', { timeout: 20_000 }, async (moment) => {
    let effect = 0;
    for (; effect < EFFECT_COUNT_MAX; effect += 1) {
      const staged = stage(moment);
      await before(staged);
      const request = { ...staged.request, ...changes };
      const world = new MortalWorld(staged.folder, staged.transfer, { effect, moment });
      const died = await dies(staged.run(request, world));
      if (await hasManifest(staged)) await expectWhole(staged);
      if (!died) break;

      await completes(staged, request);
      await expectWhole(staged);
      expect(staged.vm.openLeases).toBe(0);
    }
    expect(effect).toBeGreaterThanOrEqual(moment === 'during' ? 2 : 8);
    expect(effect).toBeLessThan(EFFECT_COUNT_MAX);
  });
});

async function dies(run: Promise<unknown>): Promise<boolean> {
  try {
    await run;
    return false;
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  }
}

/** Only a run that had already completed may be told that its target exists. */
async function completes(staged: Stage, request: ExportRequest): Promise<void> {
  const wasComplete = await hasManifest(staged);
  try {
    await staged.run(request);
  } catch (error) {
    if (!(error instanceof HyperError && error.code === 'target/exists' && wasComplete)) throw error;
  }
}

test('a process that is dead has no more effects', async () => {
  const { folder, transfer, run, request } = stage('before');
  const world = new MortalWorld(folder, transfer, { effect: 2, moment: 'before' });
  await expect(run(request, world)).rejects.toBeInstanceOf(Death);
  expect(await Array.fromAsync(folder.list('', calm), ({ name }) => name)).toEqual(['web-01/export-journal.json']);
  await expect(world.target.delete('web-01/export-journal.json', calm)).rejects.toBeInstanceOf(Death);
});

test('a journal that was left beside a complete export does not vouch for its files', async () => {
  const { folder, transfer, run, request } = stage('before');
  const lastEffect = new MortalWorld(folder, transfer, { effect: 8, moment: 'before' });
  await expect(run(request, lastEffect)).rejects.toBeInstanceOf(Death);
  const first = parseExportManifest(await folder.get('web-01/export-manifest.json', calm));
  expect(folder.find('/exports/web-01/export-journal.json')).toBeDefined();

  const dying = new MortalWorld(folder, transfer, { effect: 2, moment: 'before' });
  await expect(run({ ...request, overwrite: true }, dying)).rejects.toBeInstanceOf(Death);
  const { manifest } = await run({ ...request, overwrite: true });
  expect(manifest.exportId).not.toBe(first.exportId);
});
