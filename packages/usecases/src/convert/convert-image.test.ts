import type { NbdLocator } from '@hypersdk/ports';
import { calm, FakeClock, MemoryFolder, MemoryInspector, MemorySigner, MemoryTransfer } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { checkReceipt, parseReceipt } from '../receipt/receipt.ts';
import { verifyExport } from '../verify/verify-export.ts';
import { convertImage, type ConvertRequest } from './convert-image.ts';

function stage() {
  const target = new MemoryFolder('/out');
  target.write('/in/source.raw', new Uint8Array(4096).fill(7));
  const ports = {
    transfer: new MemoryTransfer(target),
    inspector: new MemoryInspector(target),
    remotes: { mark: ({ exportName, pointInTime }: NbdLocator) => `${exportName}@${pointInTime}` },
    signer: new MemorySigner(),
    clock: new FakeClock(),
    target,
    tool: { name: 'hyperexport', version: '1' },
  };
  const request: ConvertRequest = {
    source: { path: '/in/source.raw', format: 'raw', references: 'refuse' },
    path: '/out/copy.raw',
    settings: { format: 'raw' },
    digest: 'tree',
    verifyPercent: 100,
    overwrite: false,
    restart: false,
    receipt: true,
  };
  return { target, ports, request };
}

describe('converting an image', () => {
  test('the new image has a receipt beside it, by which it verifies', async () => {
    const { ports, request, target } = stage();
    const { copy, receipt, receiptName } = await convertImage(ports)(request, calm);
    expect(receiptName).toBe('copy.raw.receipt.json');
    expect(parseReceipt(await target.get('copy.raw.receipt.json', calm))).toEqual(receipt);
    expect(receipt?.body).toMatchObject({ source: { disk: '/in/source.raw' }, content: copy.content, container: { file: 'copy.raw', size: 4096 } });
    const report = await verifyExport(ports)({ receipt: 'copy.raw.receipt.json', publicKey: ports.signer.publicKey, percent: 100 }, calm);
    expect(report).toMatchObject({ ok: true, disks: [{ receipt: 'valid' }] });
  });

  test('an unusual file name has a receipt under a safe name that speaks of the true one', async () => {
    const { ports, request } = stage();
    const { receipt, receiptName } = await convertImage(ports)({ ...request, path: '/out/Mein Büro (1).raw' }, calm);
    expect(receiptName).toMatch(/^Mein-B-ro-1-.raw-[0-9a-f]{12}\.receipt\.json$/);
    expect(receipt?.body.container.file).toBe('Mein Büro (1).raw');
    const report = await verifyExport(ports)({ receipt: receiptName ?? '', publicKey: ports.signer.publicKey, percent: 100 }, calm);
    expect(report.ok).toBe(true);
  });

  test('without a receipt nothing but the image is written', async () => {
    const { ports, request, target } = stage();
    const outcome = await convertImage(ports)({ ...request, receipt: false, digest: 'none' }, calm);
    expect(outcome).toEqual({ copy: expect.objectContaining({ path: '/out/copy.raw', leavesChecked: 0 }) });
    expect(await Array.fromAsync(target.list('', calm), ({ name }) => name)).toEqual(['copy.raw']);
  });

  test('the receipt of an image that is replaced without one does not stay', async () => {
    const { ports, request, target } = stage();
    await convertImage(ports)(request, calm);
    await convertImage(ports)({ ...request, receipt: false, overwrite: true }, calm);
    expect(await Array.fromAsync(target.list('', calm), ({ name }) => name)).toEqual(['copy.raw', 'copy.raw.leaves']);
  });

  test('an image that is there is refused without overwrite and replaced with it', async () => {
    const { ports, request } = stage();
    const first = await convertImage(ports)(request, calm);
    await expect(convertImage(ports)(request, calm)).rejects.toMatchObject({ code: 'target/exists' });
    const second = await convertImage(ports)({ ...request, overwrite: true }, calm);
    expect(checkReceipt(second.receipt ?? expect.fail('no receipt'), ports.signer.publicKey)).toBe(true);
    expect(second.copy.content).toEqual(first.copy.content);
  });

  test('the receipt of an image that is gone is refused before anything is read or written', async () => {
    const { ports, request, target } = stage();
    await convertImage(ports)(request, calm);
    await target.delete('copy.raw', calm);
    await expect(convertImage(ports)(request, calm)).rejects.toThrow('/out/copy.raw.receipt.json exists already');
    expect(await Array.fromAsync(target.list('', calm), ({ name }) => name)).toEqual(['copy.raw.leaves', 'copy.raw.receipt.json']);
  });

  test('a receipt without digests, and a path outside the target, are refused before anything is written', async () => {
    const { ports, request, target } = stage();
    await expect(convertImage(ports)({ ...request, digest: 'none' }, calm)).rejects.toMatchObject({ code: 'usage/invalid' });
    await expect(convertImage(ports)({ ...request, path: '/elsewhere/copy.raw' }, calm)).rejects.toMatchObject({ code: 'internal/unexpected' });
    expect(await Array.fromAsync(target.list('', calm))).toEqual([]);
  });

  test('a source that was written meanwhile gets no receipt', async () => {
    const { ports, request, target } = stage();
    const rewrite = (): void => target.write('/in/source.raw', new Uint8Array(4096).fill(8));
    await expect(convertImage(ports)(request, { ...calm, onProgress: ({ stage: now }) => now === 'publishing' && rewrite() })).rejects.toMatchObject({
      code: 'source/changed',
    });
    expect(await Array.fromAsync(target.list('', calm), ({ name }) => name)).not.toContain('copy.raw.receipt.json');
  });
});
