import { HyperError, MIB } from '@hypersdk/domain';
import { calm } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { memoryDisk } from './hostile-disk.ts';
import { lookAtGuest } from './look-at-guest.ts';

const SECTOR = 512;

interface Slot {
  readonly type: number;
  readonly first: number;
  readonly count: number;
  readonly status?: number;
}

function writeRecord(disk: Buffer, sector: number, slots: readonly Slot[]): void {
  const at = sector * SECTOR;
  slots.forEach(({ type, first, count, status = 0 }, index) => {
    const entry = at + 446 + index * 16;
    disk.writeUInt8(status, entry);
    disk.writeUInt8(type, entry + 4);
    disk.writeUInt32LE(first, entry + 8);
    disk.writeUInt32LE(count, entry + 12);
  });
  disk.writeUInt16LE(0xaa55, at + 510);
}

describe('a look', () => {
  test.each([0, 1, 511, 512, 4096, 100_000])('at an empty disk of %i bytes finds nothing', async (size) => {
    const look = await lookAtGuest(memoryDisk(Buffer.alloc(size)), calm);
    expect(look).toMatchObject({
      table: 'none',
      volumes: [{ place: 'disk', size, content: { kind: 'empty' } }],
      findings: [],
      firmwares: [],
      complete: true,
    });
  });

  test('at noise finds something unknown', async () => {
    const noise = Buffer.alloc(MIB, 'noise');
    expect(await lookAtGuest(memoryDisk(noise), calm)).toMatchObject({ table: 'none', volumes: [{ content: { kind: 'unknown' } }], findings: [] });
  });

  test.each(['toString', '__proto__'])('takes the word %s where a signature may stand for none', async (word) => {
    const disk = Buffer.alloc(MIB);
    disk.write(word, 4096 - 10, 'latin1');
    expect(await lookAtGuest(memoryDisk(disk), calm)).toMatchObject({ volumes: [{ content: { kind: 'unknown' } }], findings: [] });
  });

  test('names what is at odds in a table: overlaps, ends beyond the disk, places outside it', async () => {
    const disk = Buffer.alloc(MIB);
    writeRecord(disk, 0, [
      { type: 0x83, first: 100, count: 200 },
      { type: 0x83, first: 200, count: 200 },
      { type: 0x83, first: 1000, count: 5000 },
      { type: 0x83, first: 0xffff_0000, count: 0xffff_ffff },
    ]);
    const { findings, volumes } = await lookAtGuest(memoryDisk(disk), calm);
    expect(volumes).toHaveLength(4);
    expect(findings).toEqual([
      { severity: 'warning', place: 'partition 2', summary: 'It overlaps partition 1.' },
      { severity: 'warning', place: 'partition 3', summary: 'It ends at byte 3072000, behind the end of the disk.' },
      { severity: 'warning', place: 'partition 4', summary: 'It lies outside the disk.' },
    ]);
  });

  test.each([
    ['a circle', 100, 'The chain of logical partitions goes in a circle.'],
    ['a place without a link', 300, 'The chain of logical partitions breaks at sector 400.'],
  ])('follows a chain of logical partitions into %s only once', async (_, next, summary) => {
    const disk = Buffer.alloc(MIB);
    writeRecord(disk, 0, [{ type: 0x05, first: 100, count: 1000 }]);
    writeRecord(disk, 100, [
      { type: 0x83, first: 10, count: 20 },
      { type: 0x05, first: 50, count: 100 },
    ]);
    writeRecord(disk, 150, [
      { type: 0x83, first: 10, count: 20 },
      { type: 0x05, first: next === 100 ? 0 : next, count: 100 },
    ]);
    const { findings, volumes } = await lookAtGuest(memoryDisk(disk), calm);
    expect(volumes.map(({ place }) => place)).toEqual(['partition 5', 'partition 6']);
    expect(findings).toEqual([{ severity: 'warning', place: 'disk', summary }]);
  });

  test('ends a chain of a thousand logical partitions', async () => {
    const disk = Buffer.alloc(2 * MIB);
    writeRecord(disk, 0, [{ type: 0x0f, first: 2, count: 4000 }]);
    for (let link = 0; link < 1000; link += 1)
      writeRecord(disk, 2 + link * 2, [
        { type: 0x83, first: 1, count: 1 },
        { type: 0x05, first: (link + 1) * 2, count: 2 },
      ]);
    const { findings, volumes } = await lookAtGuest(memoryDisk(disk), calm);
    expect(volumes).toHaveLength(128);
    expect(findings).toMatchObject([{ summary: 'The chain of logical partitions has more than 128 links.' }]);
  });

  test('says that a table is gone when the first sector promises one', async () => {
    const disk = Buffer.alloc(MIB);
    writeRecord(disk, 0, [{ type: 0xee, first: 1, count: 0xffff_ffff }]);
    expect(await lookAtGuest(memoryDisk(disk), calm)).toMatchObject({
      table: 'gpt',
      volumes: [],
      findings: [{ severity: 'warning', place: 'disk' }],
    });
  });

  test('goes on where a part of the disk cannot be read, and says so', async () => {
    const bytes = Buffer.alloc(4 * MIB);
    writeRecord(bytes, 0, [
      { type: 0x83, first: 2048, count: 2048 },
      { type: 0x82, first: 6144, count: 2048 },
    ]);
    bytes.write('SWAPSPACE2', 6144 * SECTOR + 4086);
    const whole = memoryDisk(bytes);
    const disk = {
      virtualSize: bytes.length,
      read: (offset: number, into: Uint8Array): void => {
        if (offset >= MIB && offset < 2 * MIB) throw new HyperError('image/malformed', 'A cluster is broken.');
        whole.read(offset, into);
      },
    };
    const look = await lookAtGuest(disk, calm);
    expect(look.volumes.map(({ content }) => content.kind)).toEqual(['unknown', 'swap']);
    expect(look.findings).toContainEqual({ severity: 'warning', place: 'partition 1', summary: 'A cluster is broken.' });
  });

  test('ends when its time is over, and says that there may be more', async () => {
    const look = await lookAtGuest(memoryDisk(Buffer.alloc(MIB)), { ...calm, timeMs: -1 });
    expect(look).toMatchObject({ complete: false, findings: [] });
  });

  test('ends when it is called off', async () => {
    await expect(lookAtGuest(memoryDisk(Buffer.alloc(MIB)), { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  test('does not take a defect for damage', async () => {
    const disk = {
      virtualSize: MIB,
      read: () => {
        throw new TypeError('a defect');
      },
    };
    await expect(lookAtGuest(disk, calm)).rejects.toThrow(TypeError);
  });
});
