import type { BootRecord } from '@hypersdk/domain';
import type { BootObservation, Cancel, StorageTarget } from '@hypersdk/ports';
import { writeDocument } from '../manifest/export-manifest.ts';
import type { BootProof } from './prove-boot.ts';

export interface Evidence {
  readonly name: string;
  readonly record: BootRecord;
  /** The last that was seen of the guest in the attempt that counts. */
  readonly last?: BootObservation;
}

/** Picture and log first, the record last: a record never names a file that is not there, and none of an older proof stays beside it. */
export async function keepEvidence(target: StorageTarget, { name, record, last }: Evidence, { signal }: Cancel): Promise<BootProof> {
  const [log, picture, recordName] = [`${name}.boot.log`, `${name}.boot.png`, `${name}.boot.json`];
  await target.delete(recordName, { signal });
  const put = (object: string, bytes: Uint8Array): Promise<void> => target.put(object, bytes, { signal, ifAbsent: false });
  await (last === undefined ? target.delete(log, { signal }) : put(log, toLog(last)));
  await (last?.screen === undefined ? target.delete(picture, { signal }) : put(picture, last.screen.png));
  const kept: BootRecord = {
    ...record,
    ...(last === undefined ? {} : { serialLog: baseName(log) }),
    ...(last?.screen === undefined ? {} : { screenshot: baseName(picture) }),
  };
  await put(recordName, writeDocument(kept));
  const files = [recordName, ...(last === undefined ? [] : [log]), ...(last?.screen === undefined ? [] : [picture])];
  return { record: kept, files };
}

/** The serial console as it came, then what stood on a screen in text mode. */
function toLog({ serial, text }: BootObservation): Uint8Array {
  const screen = text === undefined ? '' : `\n--- screen ---\n${text.join('\n')}\n`;
  const tail = new TextEncoder().encode(screen);
  const bytes = new Uint8Array(serial.length + tail.length);
  bytes.set(serial);
  bytes.set(tail, serial.length);
  return bytes;
}

const baseName = (object: string): string => object.slice(object.lastIndexOf('/') + 1);
