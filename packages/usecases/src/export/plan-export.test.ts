import { toDiskId, toVMId } from '@hypersdk/domain';
import type { ProviderSession, StorageTarget } from '@hypersdk/ports';
import { calm, FakeClock, MemoryFolder, MemoryInspector, MemorySigner, MemoryTransfer, SequentialIds, StagedVM } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import type { PlanRequest } from './export-plan.ts';
import { exportVM } from './export-vm.ts';
import { planExport } from './plan-export.ts';

const contents = [new Uint8Array(8192).fill(7, 0, 1000), new Uint8Array(4096).fill(9)];

function stage() {
  const target = new MemoryFolder();
  const session = new StagedVM(target, contents);
  const inspector = new MemoryInspector(target);
  const request = {
    session,
    vm: toVMId('vm:web-01'),
    name: 'web-01',
    settings: { format: 'raw' },
    overwrite: false,
    restart: false,
  } as const satisfies PlanRequest;
  const ports = {
    transfer: new MemoryTransfer(target),
    signer: new MemorySigner(),
    clock: new FakeClock(),
    ids: new SequentialIds(),
    target,
    tool: { name: 'hyperexport', version: '1' },
  };
  const run = (signal = calm.signal, onRunning?: () => void) =>
    exportVM(ports)(
      { ...request, verifyPercent: 100, parallel: 1 },
      { signal, onProgress: ({ disks }) => disks[1]?.state === 'running' && onRunning?.() },
    );
  const runHalf = async (): Promise<void> => {
    const stop = new AbortController();
    await expect(run(stop.signal, () => stop.abort())).rejects.toThrow();
  };
  return { target, session, inspector, request, run, runHalf, plan: planExport({ target, inspector }) };
}

/** The same VM as a platform whose disks are files here shows it. */
function asFiles(session: StagedVM): ProviderSession {
  const { facets } = session;
  return {
    facets: { ...facets, inventory: { ...facets.inventory, get: async () => ({ ...session.info, provider: 'files' }) } },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

const withFree = (target: StorageTarget, free: number): StorageTarget => ({
  put: () => expect.fail('a plan must not write'),
  delete: () => expect.fail('a plan must not delete'),
  folder: '/exports',
  get: (name, o) => target.get(name, o),
  list: (prefix, o) => target.list(prefix, o),
  usage: async () => ({ used: 0, free }),
});

describe('planning an export', () => {
  test('it tells disks, files and sizes, and leaves no trace', async () => {
    const { plan, request, target, session } = stage();
    const planned = await plan(request, calm);
    expect(planned).toMatchObject({ name: 'web-01', manifestName: 'web-01/export-manifest.json', spaceNeeded: 12_288, resumes: false, findings: [] });
    expect(planned.disks.map(({ id, file, virtualSize, action }) => [id, file, virtualSize, action])).toEqual([
      ['disk 0', 'disk-0.raw', 8192, 'copy'],
      ['disk 1', 'disk-1.raw', 4096, 'copy'],
    ]);
    expect(await Array.fromAsync(target.list('', calm))).toEqual([]);
    expect(session.openLeases).toBe(0);
  });

  test('where disks are files here, their headers say how much is allocated', async () => {
    const { plan, request, session } = stage();
    const planned = await plan({ ...request, session: asFiles(session) }, calm);
    expect(planned.disks.map(({ allocatedSize }) => allocatedSize)).toEqual([1000, 4096]);
    expect(planned.spaceNeeded).toBe(5096);
    const full = await plan({ ...request, session: asFiles(session), settings: { format: 'raw', preallocation: 'full' } }, calm);
    expect(full.spaceNeeded).toBe(12_288);
  });

  test('an image that would be refused is an error of the plan', async () => {
    const { plan, request, session } = stage();
    session.rewrite(1, Buffer.from('refuse me'));
    const { findings } = await plan({ ...request, session: asFiles(session) }, calm);
    expect(findings).toEqual([
      expect.objectContaining({ severity: 'error', path: '/images/web-01-1.raw', summary: expect.stringContaining('is refused as raw') }),
    ]);
  });

  test('chosen disks alone are planned, and an unknown one is named', async () => {
    const { plan, request } = stage();
    const planned = await plan({ ...request, disks: [toDiskId('disk 1')] }, calm);
    expect(planned.disks.map(({ id, file }) => [id, file])).toEqual([['disk 1', 'disk-0.raw']]);
    await expect(plan({ ...request, disks: [toDiskId('disk 7')] }, calm)).rejects.toMatchObject({
      code: 'source/not-found',
      message: expect.stringContaining('disk 7'),
    });
  });

  test('too little room is an error, or a warning where compression may help', async () => {
    const { request, target, inspector } = stage();
    const plan = planExport({ target: withFree(target, 12_000), inspector });
    const planned = await plan(request, calm);
    expect(planned.spaceFree).toBe(12_000);
    expect(planned.findings).toEqual([{ severity: 'error', summary: 'The target has 11.7 KiB free, and the export may need 12 KiB.' }]);
    const compressed = await plan({ ...request, settings: { format: 'qcow2', compression: 'zstd' } }, calm);
    expect(compressed.findings.map(({ severity }) => severity)).toEqual(['warning']);
  });

  test('an unfinished run shows what would be adopted and what is still needed', async () => {
    const { plan, request, runHalf } = stage();
    await runHalf();
    const planned = await plan(request, calm);
    expect(planned).toMatchObject({ resumes: true, spaceNeeded: 4096, findings: [] });
    expect(planned.disks.map(({ action }) => action)).toEqual(['adopt', 'copy']);
    const anew = await plan({ ...request, restart: true }, calm);
    expect([anew.resumes, anew.disks.map(({ action }) => action)]).toEqual([false, ['copy', 'copy']]);
    const otherwise = await plan({ ...request, settings: { format: 'raw', preallocation: 'full' } }, calm);
    expect(otherwise.resumes).toBe(false);
  });

  test('a kept partial image would be resumed', async () => {
    const { plan, request, runHalf, target } = stage();
    await runHalf();
    target.write('/exports/web-01/disk-1.raw.partial.1', new Uint8Array(10));
    const { disks } = await plan(request, calm);
    expect(disks.map(({ action }) => action)).toEqual(['adopt', 'resume']);
  });

  test('a complete export is an error, or a warning where it may be replaced', async () => {
    const { plan, request, run } = stage();
    await run();
    const refused = await plan(request, calm);
    expect(refused.findings).toEqual([expect.objectContaining({ severity: 'error', summary: 'web-01 already holds a complete export.' })]);
    const replaced = await plan({ ...request, overwrite: true }, calm);
    expect(replaced.findings.map(({ severity }) => severity)).toEqual(['warning']);
    expect(replaced.disks.map(({ action }) => action)).toEqual(['copy', 'copy']);
  });

  test('a platform whose disks cannot be read is an error of the plan', async () => {
    const { plan, request, session } = stage();
    const { inventory } = session.facets;
    const { findings } = await plan({ ...request, session: { facets: { inventory }, [Symbol.asyncDispose]: async () => undefined } }, calm);
    expect(findings.map(({ severity }) => severity)).toEqual(['error']);
  });
});
