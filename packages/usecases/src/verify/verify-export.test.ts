import { LEAF_SIZE } from '@hypersdk/domain';
import type { CopyProgress, Transfer } from '@hypersdk/ports';
import { calm, MemoryFolder, MemoryInspector, MemorySigner, StagedVM } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { exportVM } from '../export/export-vm.ts';
import { writeDocument } from '../manifest/export-manifest.ts';
import { verifyExport, type VerifyProgress } from './verify-export.ts';
import { portsIn, requestFor } from '../export/build-export.ts';

const contents = [new Uint8Array(2 * LEAF_SIZE + 512).fill(7), new Uint8Array(4096).fill(9)];
const manifest = 'web-01/export-manifest.json';

/** A folder with one export in it. */
async function stage() {
  const target = new MemoryFolder();
  const ports = portsIn(target);
  const { signer, transfer } = ports;
  await exportVM(ports)(requestFor(new StagedVM(target, contents)), calm);
  const verifyPorts = { transfer, target, inspector: new MemoryInspector(target) };
  const verify = verifyExport(verifyPorts);
  const flip = (file: string, offset: number): void => {
    const path = `/exports/web-01/${file}`;
    const bytes = (target.find(path)?.bytes ?? new Uint8Array(0)).slice();
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    target.write(path, bytes);
  };
  return { target, signer, verify, flip, ports: verifyPorts };
}

describe('verifying an export', () => {
  test('what was exported is equal, and its receipts are valid', async () => {
    const { verify, signer } = await stage();
    const report = await verify({ manifest, publicKey: signer.publicKey, percent: 100 }, calm);
    expect(report).toMatchObject({ ok: true, findings: [], manifest: { kind: 'hypersdk.export-manifest' } });
    expect(report.disks).toEqual([
      { file: 'disk-0.raw', outcome: { result: 'equal', leavesChecked: 3 }, receipt: 'valid' },
      { file: 'disk-1.raw', outcome: { result: 'equal', leavesChecked: 1 }, receipt: 'valid' },
    ]);
  });

  test('a receipt alone is enough', async () => {
    const { verify, signer } = await stage();
    const report = await verify({ receipt: 'web-01/disk-1.raw.receipt.json', publicKey: signer.publicKey, percent: 100 }, calm);
    expect(report).toEqual({
      ok: true,
      disks: [{ file: 'disk-1.raw', outcome: { result: 'equal', leavesChecked: 1 }, receipt: 'valid' }],
      findings: [],
    });
  });

  test('a flipped bit is named with its leaf and the bytes of it', async () => {
    const { verify, flip } = await stage();
    flip('disk-0.raw', LEAF_SIZE + 5);
    const report = await verify({ manifest, percent: 100 }, calm);
    expect(report.ok).toBe(false);
    expect(report.disks.map(({ outcome }) => outcome)).toMatchObject([
      { result: 'different', leaf: 1, offset: LEAF_SIZE, length: LEAF_SIZE },
      { result: 'equal' },
    ]);
    expect(report.findings[0]).toMatchObject({ severity: 'error', path: 'disk-0.raw' });
    expect(report.findings[0]?.summary).toBe('disk-0.raw is not what was exported at bytes 4194304 to 8388607 (leaf 1).');
  });

  test('progress names the file that is read', async () => {
    const { ports } = await stage();
    const progress: CopyProgress = { stage: 'verifying', virtualSize: 1, settled: 1, dataRead: 1, resumedAt: 0 };
    const transfer: Pick<Transfer, 'verify'> = {
      verify: async (request, o) => {
        o.onProgress?.(progress);
        return ports.transfer.verify(request, o);
      },
    };
    const seen: VerifyProgress[] = [];
    await verifyExport({ ...ports, transfer })({ manifest, percent: 100 }, { ...calm, onProgress: (now) => seen.push(now) });
    expect(seen).toEqual([0, 1].map((index) => ({ file: `disk-${index}.raw`, index, count: 2, progress })));
  });

  test('without a key the signature is not checked, and the report says so', async () => {
    const { verify } = await stage();
    const report = await verify({ manifest, percent: 100 }, calm);
    expect(report.ok).toBe(true);
    expect(report.disks.map(({ receipt }) => receipt)).toEqual(['unchecked', 'unchecked']);
    expect(report.findings.map(({ severity }) => severity)).toEqual(['note', 'note']);
  });

  test('a receipt of another signer is not trusted', async () => {
    const { verify } = await stage();
    const report = await verify({ manifest, publicKey: new MemorySigner().publicKey, percent: 100 }, calm);
    expect(report.ok).toBe(false);
    expect(report.disks.map(({ receipt }) => receipt)).toEqual(['untrusted', 'untrusted']);
  });

  test('a missing receipt is an error for who gave a key, and a warning otherwise', async () => {
    const { verify, target, signer } = await stage();
    await target.delete('web-01/disk-0.raw.receipt.json', calm);
    const strict = await verify({ manifest, publicKey: signer.publicKey, percent: 100 }, calm);
    expect([strict.ok, strict.disks[0]?.receipt]).toEqual([false, 'absent']);
    const lenient = await verify({ manifest, percent: 100 }, calm);
    expect([lenient.ok, lenient.disks[0]?.receipt]).toEqual([true, 'absent']);
  });

  test('a good receipt of another disk proves nothing of this one', async () => {
    const { verify, target, signer } = await stage();
    await target.put('web-01/disk-0.raw.receipt.json', await target.get('web-01/disk-1.raw.receipt.json', calm), { ...calm, ifAbsent: false });
    const report = await verify({ manifest, publicKey: signer.publicKey, percent: 100 }, calm);
    expect([report.ok, report.disks[0]?.receipt, report.disks[1]?.receipt]).toEqual([false, 'untrusted', 'valid']);
  });

  test('a missing or unreadable image is different, and the others are still verified', async () => {
    const { verify, target } = await stage();
    await target.delete('web-01/disk-0.raw', calm);
    target.write('/exports/web-01/disk-1.raw', Buffer.from('refuse me'));
    const report = await verify({ manifest, percent: 100 }, calm);
    expect(report.disks.map(({ outcome }) => outcome)).toEqual([
      { result: 'different', leavesChecked: 0, what: 'There is no file /exports/web-01/disk-0.raw.' },
      { result: 'different', leavesChecked: 0, what: '/exports/web-01/disk-1.raw is refused as raw: it asks for it.' },
    ]);
  });

  test('without its leaf digests damage is noticed, and the report says that it cannot be located', async () => {
    const { verify, target } = await stage();
    await target.delete('web-01/disk-0.raw.leaves', calm);
    const report = await verify({ manifest, percent: 100 }, calm);
    expect(report.ok).toBe(true);
    expect(report.findings).toContainEqual(expect.objectContaining({ severity: 'note', path: 'disk-0.raw.leaves' }));
  });

  test('a manifest that is absent, damaged or too large is refused, not reported', async () => {
    const { verify, target, flip } = await stage();
    await expect(verify({ manifest: 'web-02/export-manifest.json', percent: 100 }, calm)).rejects.toMatchObject({ code: 'source/not-found' });
    flip('export-manifest.json', 100);
    await expect(verify({ manifest, percent: 100 }, calm)).rejects.toMatchObject({ code: 'manifest/malformed' });
    await target.put(manifest, new Uint8Array(17 * 1024 * 1024), { ...calm, ifAbsent: false });
    await expect(verify({ manifest, percent: 100 }, calm)).rejects.toMatchObject({ code: 'manifest/malformed' });
    await target.put('web-01/disk-0.raw.receipt.json', writeDocument({ kind: 'other' }), { ...calm, ifAbsent: false });
    await expect(verify({ receipt: 'web-01/disk-0.raw.receipt.json', percent: 100 }, calm)).rejects.toMatchObject({ code: 'receipt/malformed' });
  });
});
