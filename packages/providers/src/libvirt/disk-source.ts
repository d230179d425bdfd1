// libvirt, "Domain XML format", "Hard drives, floppy disks, CDROMs": the `source` element by the type of its disk.
import { childNamed, type XmlElement } from '@hypersdk/wire';
import { tidyText } from '../said-fields.ts';

/** Where the content lies, in the platform's own words; undefined for an empty drive and for kinds that have no place. */
export function sourceOf(element: XmlElement): string | undefined {
  const source = childNamed(element, 'source');
  const attribute = (name: string): string | undefined => tidyText(source?.attributes.get(name));
  const pool = attribute('pool');
  const volume = attribute('volume');
  if (pool !== undefined && volume !== undefined) return `${pool}/${volume}`;
  const protocol = attribute('protocol');
  if (protocol !== undefined) return `${protocol}:${attribute('name') ?? ''}`;
  return attribute('file') ?? attribute('dev') ?? attribute('dir');
}
