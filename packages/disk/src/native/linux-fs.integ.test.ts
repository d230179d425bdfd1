import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { nativeFs } from './load.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const fs = nativeFs();

/** Which members there are depends on the machine; what is there must work on its file systems. */
describe.skipIf(fs.name === 'none')('native calls on files', () => {
  let folder = '';
  const opened: number[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypersdk-native-'));
  });
  afterEach(() => {
    for (const fd of opened.splice(0)) closeSync(fd);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const open = (name: string): number => {
    const fd = openSync(join(folder, name), 'w+');
    opened.push(fd);
    return fd;
  };

  test('data and holes are found where they are, beyond 4 GiB too', () => {
    const fd = open('sparse');
    ftruncateSync(fd, 6 * GIB);
    writeSync(fd, Buffer.alloc(MIB, 1), 0, MIB, 5 * GIB);
    expect(fs.seekData?.(fd, 0)).toBe(5 * GIB);
    expect(fs.seekHole?.(fd, 5 * GIB)).toBe(5 * GIB + MIB);
    expect(fs.seekData?.(fd, 5 * GIB + 4096)).toBe(5 * GIB + 4096);
    expect(fs.seekData?.(fd, 5 * GIB + MIB)).toBeUndefined();
    expect(fs.seekHole?.(fd, 0)).toBe(0);
  });

  test('the end of a file counts as a hole', () => {
    const fd = open('full');
    writeSync(fd, Buffer.alloc(8192, 1), 0, 8192, 0);
    expect(fs.seekHole?.(fd, 0)).toBe(8192);
  });

  test('a range is copied inside the kernel, from and to offsets beyond 4 GiB, and a copy past the end is short', () => {
    const from = open('from');
    const to = open('to');
    const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, index) => index % 251));
    writeSync(from, bytes, 0, bytes.length, 5 * GIB);
    expect(fs.copyRange?.({ fd: from, offset: 5 * GIB + 100 }, { fd: to, offset: 4 * GIB + 50 }, 5000)).toBe(5000);
    const copied = Buffer.alloc(5000);
    readSync(to, copied, 0, 5000, 4 * GIB + 50);
    expect(copied.equals(bytes.subarray(100, 5100))).toBe(true);
    expect(fs.copyRange?.({ fd: from, offset: 5 * GIB + 9000 }, { fd: to, offset: 0 }, 5000)).toBe(1000);
    expect(fs.copyRange?.({ fd: from, offset: 6 * GIB }, { fd: to, offset: 0 }, 5000)).toBe(0);
  });

  test('reserved blocks count as used, and the file grows over them', () => {
    const fd = open('reserved');
    fs.allocate?.(fd, { offset: MIB, length: MIB });
    expect(statSync(join(folder, 'reserved')).size).toBe(2 * MIB);
    expect(statSync(join(folder, 'reserved')).blocks * 512).toBeGreaterThanOrEqual(MIB);
  });

  test('a reservation that the file system has no room for fails with ENOSPC, EFBIG or EINVAL', () => {
    const fd = open('too-large');
    expect(() => fs.allocate?.(fd, { offset: 0, length: 2 ** 52 })).toThrow(/^(ENOSPC|EFBIG|EINVAL): .*, fallocate$/);
  });

  test('write-back and cache hints leave the content alone', () => {
    const fd = open('hints');
    writeSync(fd, Buffer.alloc(MIB, 7), 0, MIB, 0);
    fs.startWriteback?.(fd, { offset: 0, length: MIB });
    fs.dropCache?.(fd, { offset: 0, length: MIB });
    expect(readFileSync(join(folder, 'hints')).equals(Buffer.alloc(MIB, 7))).toBe(true);
  });

  test('a rename takes a free name, in any script, and refuses a taken one', () => {
    const [from, to] = [join(folder, 'eins'), join(folder, 'zwölf 十二')];
    writeFileSync(from, 'new');
    fs.renameNoReplace?.(from, to);
    expect(readFileSync(to, 'utf8')).toBe('new');
    expect(existsSync(from)).toBe(false);

    writeFileSync(from, 'other');
    expect(() => fs.renameNoReplace?.(from, to)).toThrow(expect.objectContaining({ code: 'EEXIST', syscall: 'renameat2' }));
    expect(readFileSync(to, 'utf8')).toBe('new');
    expect(readFileSync(from, 'utf8')).toBe('other');
    expect(() => fs.renameNoReplace?.(`${from}\0tail`, join(folder, 'free'))).toThrow('NUL');
  });

  test('a closed descriptor is EBADF in every call', () => {
    const fd = openSync(join(folder, 'closed'), 'w+');
    closeSync(fd);
    const range = { offset: 0, length: 4096 };
    const calls = [
      () => fs.seekData?.(fd, 0),
      () => fs.seekHole?.(fd, 0),
      () => fs.copyRange?.({ fd, offset: 0 }, { fd, offset: 8192 }, 4096),
      () => fs.allocate?.(fd, range),
      () => fs.dropCache?.(fd, range),
      () => fs.startWriteback?.(fd, range),
    ];
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ code: 'EBADF', errno: -9 }));
  });
});
