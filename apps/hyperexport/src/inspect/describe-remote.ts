import { formatBytes, HyperError } from '@hypersdk/domain';
import type { Cancel, NbdLocator, RemoteDiskInfo, RemoteDisks } from '@hypersdk/ports';
import { formatFields } from '../output/table.ts';

/** Names shown of a server that has many; the rest is counted. */
const NAMES_MAX = 20;

/** A name that the server does not know is answered with those that it does. */
export async function inspectRemote(remotes: RemoteDisks, locator: NbdLocator, o: Cancel & { readonly looks: boolean }): Promise<RemoteDiskInfo> {
  try {
    return await remotes.inspect(locator, o);
  } catch (error) {
    if (!(error instanceof HyperError) || error.code !== 'nbd/no-export') throw error;
    const offered = await remotes.list(locator, o).catch(() => []);
    if (offered.length === 0) throw error;
    const names = offered.slice(0, NAMES_MAX).map(({ name }) => JSON.stringify(name));
    const more = offered.length > NAMES_MAX ? ` and ${offered.length - NAMES_MAX} more` : '';
    throw new HyperError(error.code, `${error.message} It offers ${names.join(', ')}${more}.`, { detail: error.detail, cause: error });
  }
}

export function describeRemote(address: string, about: RemoteDiskInfo): string {
  return formatFields([
    ['address', address],
    ['export', about.exportName === '' ? '(the default)' : about.exportName],
    ...(about.description === undefined ? [] : [['description', about.description] as const]),
    ['virtual size', `${formatBytes(about.virtualSize)} (${about.virtualSize} bytes)`],
    ...(about.allocatedSize === undefined ? [] : [['allocated', `${formatBytes(about.allocatedSize)} (${about.allocatedSize} bytes)`] as const]),
    ['read only', about.isReadOnly ? 'yes' : 'no'],
    ...Object.entries(about.details).map(([name, value]) => [inWords(name), describeValue(value)] as const),
  ]);
}

const inWords = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function describeValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
