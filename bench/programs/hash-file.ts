// SHA-256 of a whole file on one thread, the way a container digest is made, for measuring: node hash-file.ts FILE
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const PIECE = 256 * 1024;

const hash = createHash('sha256');
const buffer = Buffer.allocUnsafe(PIECE);
const fd = openSync(process.argv[2] ?? '', 'r');
for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer))
  hash.update(length === PIECE ? buffer : buffer.subarray(0, length));
closeSync(fd);
console.log(hash.digest('hex'));
