// For tests: archives block by block, right or wrong.
import { roundUp } from '@hypersdk/domain';
import { BLOCK_SIZE, encodeTarHeader } from './tar-header.ts';

export interface TarPart {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  /** What the header says, when that is not what there is. */
  readonly size?: number;
  /** Changes the header before its checksum is made. */
  readonly edit?: (header: Buffer) => void;
}

/** Header and content of one member; its name may be as wrong as it likes. */
export function tarPart({ name, content = '', type = '0', size, edit }: TarPart): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.from(encodeTarHeader({ name: 'x', size: size ?? bytes.length, modifiedAt: 0 }));
  header.fill(0, 0, 100).write(name, 0, 100, 'utf8');
  header.write(type, 156, 'latin1');
  edit?.(header);
  return Buffer.concat([sealHeader(header), bytes, Buffer.alloc(roundUp(bytes.length, BLOCK_SIZE) - bytes.length)]);
}

export function sealHeader(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

export const END_OF_TAR = Buffer.alloc(2 * BLOCK_SIZE);

export const buildTar = (...parts: readonly (TarPart | Buffer)[]): Buffer =>
  Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : tarPart(part))), END_OF_TAR]);

/** A record of an extended header, its length counted in. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const size = Buffer.byteLength(rest);
  const digits = String(size + String(size).length).length;
  return `${size + digits}${rest}`;
}

export const paxHeader = (...records: readonly string[]): TarPart => ({ name: 'PaxHeaders/x', type: 'x', content: records.join('') });
