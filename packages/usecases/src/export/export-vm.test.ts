import { HyperError } from '@hypersdk/domain';
import type { ExportLease, ProviderSession, Transfer } from '@hypersdk/ports';
import { calm, MemoryFolder, mutate, StagedVM } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { parseArtifactManifest } from '../manifest/artifact-manifest.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { checkReceipt } from '../receipt/receipt.ts';
import type { ExportProgress } from './export-types.ts';
import { exportVM } from './export-vm.ts';
import { portsIn, requestFor } from './build-export.ts';

const contents = [new Uint8Array(4 * 1024 * 1024 + 512).fill(7), new Uint8Array(64 * 1024).fill(9)];

function stage() {
  const target = new MemoryFolder();
  const vm = new StagedVM(target, contents);
  const ports = portsIn(target);
  const request = requestFor(vm, { parallel: 2 });
  const filesOf = (name: string): Promise<readonly string[]> =>
    Array.fromAsync(target.list(`${name}/`, calm), (object) => object.name.slice(name.length + 1));
  return { target, vm, clock: ports.clock, ports, request, filesOf };
}

describe('exporting a VM', () => {
  test('ends at once when the lease says that its source is gone, and not when the next read fails', async () => {
    const { ports, request, vm } = stage();
    const gone = new HyperError('source/changed', 'Somebody ended the backup.');
    const lost = new AbortController();
    const { inventory, diskExport } = vm.facets;
    const session: ProviderSession = {
      facets: {
        inventory,
        diskExport: {
          open: async (id, o) => ({ ...(await diskExport?.open(id, o)), lost: lost.signal, check: () => Promise.reject(gone) }) as ExportLease,
        },
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
    // A server that is waited for: nothing comes, and only a stop ends it.
    const copy: Transfer['copy'] = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        lost.abort(gone);
        if (signal.aborted) reject(signal.reason);
      });
    const transfer: Transfer = Object.assign(Object.create(ports.transfer), { copy });
    await expect(exportVM({ ...ports, transfer })({ ...request, session }, calm)).rejects.toMatchObject({
      code: 'source/changed',
      message: 'Somebody ended the backup.',
    });
  });

  test('all disks, their leaves and receipts lie beside the manifest, and nothing else', async () => {
    const { ports, request, filesOf, vm } = stage();
    const outcome = await exportVM(ports)(request, calm);
    expect(await filesOf('web-01')).toEqual([
      'artifact-manifest.json',
      'disk-0.raw',
      'disk-0.raw.leaves',
      'disk-0.raw.receipt.json',
      'disk-1.raw',
      'disk-1.raw.leaves',
      'disk-1.raw.receipt.json',
      'export-manifest.json',
    ]);
    expect(outcome.manifestName).toBe('web-01/export-manifest.json');
    expect(vm.openLeases).toBe(0);
  });

  test('the manifests and receipts that lie there say what was done', async () => {
    const { ports, request, target, vm } = stage();
    const outcome = await exportVM(ports)(request, calm);
    const manifest = parseExportManifest(await target.get(outcome.manifestName, calm));
    expect(manifest).toEqual(outcome.manifest);
    expect(manifest.vm).toEqual(vm.info);
    expect(manifest.disks.map(({ file, fileSize, content }) => [file, fileSize, content.virtualSize])).toEqual(
      contents.map((content, index) => [`disk-${index}.raw`, content.length, content.length]),
    );
    const artifact = parseArtifactManifest(await target.get('web-01/artifact-manifest.json', calm));
    expect(artifact.disks.map(({ local_path, checksum }) => [local_path, checksum])).toEqual(
      manifest.disks.map((disk) => [disk.file, `sha256:${disk.containerDigest}`]),
    );
    for (const receipt of outcome.receipts) expect(checkReceipt(receipt, ports.signer.publicKey)).toBe(true);
  });

  test('only the disks that were chosen are exported', async () => {
    const { ports, request, vm } = stage();
    const second = vm.info.disks.slice(1).map(({ id }) => id);
    const { manifest } = await exportVM(ports)({ ...request, disks: second }, calm);
    expect(manifest.disks.map(({ id, file }) => [id, file])).toEqual([['disk 1', 'disk-0.raw']]);
  });

  test('progress tells every change of state and stage, and in between ten times a second at most', async () => {
    const { ports, request } = stage();
    const reports: ExportProgress[] = [];
    await exportVM(ports)({ ...request, parallel: 1 }, { ...calm, onProgress: (progress) => reports.push(progress) });
    const told = reports.map(({ disks }) => disks.map(({ state, progress }) => `${state} ${progress?.stage ?? ''}`.trim()).join(', '));
    expect(told).toEqual([
      'running, waiting',
      'running copying, waiting',
      'running publishing, waiting',
      'done publishing, waiting',
      'done publishing, running',
      'done publishing, running copying',
      'done publishing, running publishing',
      'done publishing, done publishing',
    ]);
    expect(reports.at(-1)?.disks.map(({ progress }) => progress?.settled)).toEqual(contents.map(({ length }) => length));
  });

  test('a name, a percentage or a width that cannot be is refused before anything is touched', async () => {
    const { ports, request, filesOf } = stage();
    for (const wrong of [{ name: '../up' }, { name: 'a/b' }, { verifyPercent: 0 }, { verifyPercent: Number.NaN }, { parallel: 0 }]) {
      await expect(exportVM(ports)({ ...request, ...wrong }, calm)).rejects.toMatchObject({ code: 'usage/invalid' });
    }
    expect(await filesOf('web-01')).toEqual([]);
  });

  test('a VM that no manifest could describe is refused before it is copied', async () => {
    const { ports, request, target, filesOf } = stage();
    const vm = new StagedVM(target, contents, 'half a pair \ud800');
    await expect(exportVM(ports)({ ...request, session: vm }, calm)).rejects.toThrow('surrogate');
    expect(await filesOf('web-01')).toEqual([]);
    expect(vm.openLeases).toBe(0);
  });
});

describe('an export where something lies already', () => {
  test('a complete export is refused and stays; with overwrite it is replaced', async () => {
    const { ports, request, vm, target, filesOf } = stage();
    const first = await exportVM(ports)(request, calm);
    await expect(exportVM(ports)(request, calm)).rejects.toMatchObject({ code: 'target/exists' });
    expect(parseExportManifest(await target.get(first.manifestName, calm))).toEqual(first.manifest);

    vm.rewrite(1, new Uint8Array(64 * 1024).fill(1));
    const second = await exportVM(ports)({ ...request, overwrite: true, disks: vm.info.disks.slice(1).map(({ id }) => id) }, calm);
    expect(second.manifest.exportId).not.toBe(first.manifest.exportId);
    expect(await filesOf('web-01')).toEqual([
      'artifact-manifest.json',
      'disk-0.raw',
      'disk-0.raw.leaves',
      'disk-0.raw.receipt.json',
      'export-manifest.json',
    ]);
  });

  test('a complete export is refused before the source is held still', async () => {
    const { ports, request, vm } = stage();
    await exportVM(ports)(request, calm);
    const { diskExport } = vm.facets;
    const session: ProviderSession = {
      facets: { ...vm.facets, diskExport: { ...diskExport, open: () => expect.fail('the source was opened') } },
      [Symbol.asyncDispose]: async () => undefined,
    };
    await expect(exportVM(ports)({ ...request, session }, calm)).rejects.toMatchObject({ code: 'target/exists' });
  });

  test('a file of somebody else is refused and stays', async () => {
    const { ports, request, target } = stage();
    await target.put('web-01/disk-1.raw', Uint8Array.of(1), { ...calm, ifAbsent: true });
    await expect(exportVM(ports)(request, calm)).rejects.toMatchObject({ code: 'target/exists', message: expect.stringContaining('disk-1.raw') });
    expect(await target.get('web-01/disk-1.raw', calm)).toEqual(Uint8Array.of(1));
  });

  test('the unfinished export of another VM is refused and stays', async () => {
    const { ports, request, target, filesOf } = stage();
    const other = new StagedVM(target, contents, 'db-01');
    const stop = new AbortController();
    const stopped = exportVM(ports)({ ...request, session: other }, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow();
    const before = await filesOf('web-01');
    await expect(exportVM(ports)(request, calm)).rejects.toMatchObject({ code: 'target/exists', message: expect.stringContaining('another VM') });
    expect(await filesOf('web-01')).toEqual(before);
  });
});

describe('an export in whose place another run begins anew', () => {
  test('tells of no disk that the other one took away', async () => {
    const { ports, request, filesOf } = stage();
    const { transfer } = ports;
    const dying = mutate<Transfer>(transfer, { copy: () => Promise.reject(new Error('killed')) });
    const disturbed = mutate<Transfer>(transfer, {
      copy: async (copy, o) => {
        if (copy.path.endsWith('disk-1.raw'))
          await exportVM({ ...ports, transfer: dying })({ ...request, restart: true }, calm).catch(() => undefined);
        return transfer.copy(copy, o);
      },
    });
    await expect(exportVM({ ...ports, transfer: disturbed })({ ...request, parallel: 1 }, calm)).rejects.toMatchObject({ code: 'target/busy' });
    expect(await filesOf('web-01')).not.toContain('export-manifest.json');
  });
});

describe('an export that was interrupted', () => {
  test('a disk that was finished is proven again, not copied again', async () => {
    const { ports, request, clock } = stage();
    const stop = new AbortController();
    const isSecondRunning = ({ disks }: ExportProgress): boolean => disks[1]?.state === 'running';
    const stopped = exportVM(ports)(
      { ...request, parallel: 1 },
      { signal: stop.signal, onProgress: (progress) => isSecondRunning(progress) && stop.abort() },
    );
    await expect(stopped).rejects.toThrow();
    clock.pass(3_600_000);
    const { disks, manifest, receipts } = await exportVM(ports)({ ...request, parallel: 1 }, calm);
    expect(disks.map(({ dataRead }) => dataRead)).toEqual([0, 64 * 1024]);
    expect(manifest.startedAt).toBe('2026-01-01T00:00:00.000Z');
    expect(manifest.finishedAt).toBe('2026-01-01T01:00:00.000Z');
    expect(receipts.map(({ body }) => body.finishedAt)).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z']);
  });

  test.each([
    ['its source was written', { rewrite: true }, {}],
    ['its file was damaged', { damage: true }, {}],
    ['a restart is wanted', {}, { restart: true }],
    ['more is to be verified than was', {}, { verifyPercent: 100 }],
  ] as const)(
    'a disk that was finished is copied again when %s',
    async (_, { rewrite, damage }: { readonly rewrite?: boolean; readonly damage?: boolean }, changes) => {
      const { ports, request, vm, target } = stage();
      const stop = new AbortController();
      const early = { ...request, parallel: 1, verifyPercent: 50 };
      await expect(
        exportVM(ports)(early, { signal: stop.signal, onProgress: ({ disks }) => disks[1]?.state === 'running' && stop.abort() }),
      ).rejects.toThrow();
      if (rewrite) vm.rewrite(0, new Uint8Array(contents[0]?.length ?? 0).fill(1));
      if (damage) target.write('/exports/web-01/disk-0.raw', new Uint8Array(contents[0]?.length ?? 0));
      const { disks } = await exportVM(ports)({ ...early, ...changes }, calm);
      expect(disks.map(({ dataRead }) => dataRead)).toEqual(contents.map(({ length }) => length));
    },
  );

  test('a source that is written during the export leaves no manifest', async () => {
    const { ports, request, vm, filesOf } = stage();
    const rewriteLater = ({ disks }: ExportProgress): void => {
      if (disks[1]?.state === 'done') vm.rewrite(0, new Uint8Array(contents[0]?.length ?? 0).fill(1));
    };
    await expect(exportVM(ports)({ ...request, parallel: 1 }, { ...calm, onProgress: rewriteLater })).rejects.toMatchObject({
      code: 'source/changed',
    });
    expect(await filesOf('web-01')).not.toContain('export-manifest.json');
    const { disks } = await exportVM(ports)(request, calm);
    expect(disks.map(({ dataRead }) => dataRead)).toEqual([contents[0]?.length, 0]);
  });
});
