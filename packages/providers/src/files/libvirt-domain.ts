// libvirt, "Domain XML format" (formatdomain): the elements that say what a VM is made of.
import { fromQemuName } from '@hypersdk/domain';
import { childNamed, childrenNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { bootPlaceOf, diskBusOf, hardwareOf } from '../domain-element.ts';
import { countWithin, DISKS_MAX, present, tidyText } from '../said-fields.ts';
import type { DescribedDisk, DescribedVM } from './described-vm.ts';

/** Reads a domain; answers undefined when the document is about something else (a network, a pool, a snapshot). Fails with `document/malformed`. */
export function parseLibvirtDomain(text: string): DescribedVM | undefined {
  const domain = parseXml(text);
  if (domain.name !== 'domain') return undefined;
  const name = tidyText(childNamed(domain, 'name')?.text);
  if (name === undefined) return undefined;
  return {
    name,
    ...present({ uuid: tidyText(childNamed(domain, 'uuid')?.text)?.toLowerCase() }),
    ...hardwareOf(domain),
    ...disksOf(domain),
  };
}

/** "Hard drives, floppy disks, CDROMs": those that are hard disks with content. */
function disksOf(domain: XmlElement): Pick<DescribedVM, 'disks' | 'elsewhere'> {
  const disks: DescribedDisk[] = [];
  const elsewhere: string[] = [];
  const bootPlace = bootPlaceOf(domain);
  for (const [index, disk] of childrenNamed(childNamed(domain, 'devices'), 'disk').slice(0, DISKS_MAX).entries()) {
    const source = childNamed(disk, 'source');
    if (!source || !['disk', 'lun'].includes(disk.attributes.get('device') ?? 'disk')) continue;
    const id = tidyText(childNamed(disk, 'target')?.attributes.get('dev')) ?? `disk${index}`;
    const file = source.attributes.get('file');
    const driver = childNamed(disk, 'driver')?.attributes.get('type');
    const format = fromQemuName(driver);
    if (file === undefined || disks.some((other) => other.id === id) || (driver !== undefined && !format)) {
      elsewhere.push(
        file === undefined
          ? `${id} is no file but of type ${tidyText(disk.attributes.get('type')) ?? 'unknown'}`
          : `${id} is there twice or of a format that is not read`,
      );
      continue;
    }
    const order = countWithin(childNamed(disk, 'boot')?.attributes.get('order'), 10_000) ?? (disks.length === 0 ? bootPlace : undefined);
    disks.push({ id, file, ...present({ format, bootOrder: order, bus: diskBusOf(domain, disk) }) });
  }
  return { disks, elsewhere };
}
