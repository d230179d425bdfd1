import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { DOCUMENT_SIZE_MAX } from '../manifest/parse-document.ts';

/** A manifest or receipt as bytes; its size is looked at before it is read. */
export async function readDocument(target: StorageTarget, name: string, o: Cancel): Promise<Uint8Array> {
  for await (const object of target.list(name, o)) {
    if (object.name !== name) break;
    if (object.size > DOCUMENT_SIZE_MAX)
      throw new HyperError('manifest/malformed', `${name} has ${object.size} bytes, more than ${DOCUMENT_SIZE_MAX}: it is no document of ours.`);
    return target.get(name, o);
  }
  throw new HyperError('source/not-found', `There is no ${target.folder === undefined ? name : `${target.folder}/${name}`}.`);
}
