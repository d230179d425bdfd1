// libvirt, "Domain XML format": a definition that becomes that of another VM beside the first. What both may have stays; what only one can have is made anew.
import { childNamed, childrenNamed, writeElement, type XmlElement } from '@hypersdk/wire';
import { RESTORE_KEY, RESTORE_NAMESPACE } from '../restore/restore-names.ts';
import { type ClonedImage, rewriteDevice } from './rewrite-device.ts';

export interface CloneWish {
  readonly uuid: string;
  readonly name: string;
  /** By the names that the disks have for the guest; those that are not here are shared with the source. */
  readonly images: ReadonlyMap<string, ClonedImage>;
  /** A copy of the variables of its UEFI; absent: it begins with new ones. */
  readonly variables?: string;
  /** Who makes it, for as long as it is not finished. */
  readonly by: string;
}

/** `definition` is the one that the source starts from the next time. */
export function toCloneXml(definition: XmlElement, wish: CloneWish): string {
  const marker = element(`${RESTORE_KEY}:restore`, { [`xmlns:${RESTORE_KEY}`]: RESTORE_NAMESPACE, by: wish.by });
  const kept = definition.children.filter(({ name }) => name !== 'uuid' && name !== 'metadata');
  const others = childNamed(definition, 'metadata')?.children.filter((child) => !isOurs(child)) ?? [];
  return writeElement({
    ...definition,
    children: [
      element('uuid', {}, wish.uuid),
      { ...element('metadata'), children: [...others, marker] },
      ...kept.map((child) => rewrite(child, wish)),
    ],
  });
}

/** What will be other than at the source, in sentences. */
export function differencesOfClone(definition: XmlElement, o: { readonly copiesVariables: boolean }): readonly string[] {
  const devices = childNamed(definition, 'devices');
  const has = (name: string): boolean => childrenNamed(devices, name).length > 0;
  const os = childNamed(definition, 'os');
  const isUefi = os !== undefined && (childNamed(os, 'nvram') !== undefined || os.attributes.get('firmware') === 'efi');
  return [
    ...(isUefi && !o.copiesVariables ? ['The variables of its UEFI lie in no storage pool, from which they could be copied: they begin anew.'] : []),
    ...(has('tpm') ? ['The secrets of its trusted platform module are not copied: it begins with a new one.'] : []),
    ...(has('hostdev') || childrenNamed(devices, 'interface').some(({ attributes }) => attributes.get('type') === 'hostdev')
      ? ['It has devices of the host, which only one of the two VMs can have at a time.']
      : []),
    ...(childNamed(definition, 'qemu:commandline') ? ['It has arguments of its own for QEMU, which are the same for both VMs.'] : []),
    ...(has('filesystem') ? ['Folders of the host that are shown to its guest are the same for both VMs.'] : []),
  ];
}

function rewrite(child: XmlElement, wish: CloneWish): XmlElement {
  switch (child.name) {
    case 'name':
      return element('name', {}, wish.name);
    // "General metadata", genid: a guest that is a copy has to be told that it is one; without content it is made anew.
    case 'genid':
      return element('genid');
    case 'os':
      return { ...child, children: child.children.map((part) => (part.name === 'nvram' ? rewriteVariables(part, wish) : part)) };
    case 'sysinfo':
      return rewriteSystem(child, wish);
    case 'devices':
      return { ...child, children: child.children.map((device) => rewriteDevice(device, wish.images)) };
    default:
      return child;
  }
}

/** "Operating system booting", nvram: without a path, libvirt makes a new file from the template. */
function rewriteVariables({ name, attributes }: XmlElement, { variables = '' }: CloneWish): XmlElement {
  return { name, attributes: new Map([...attributes].filter(([key]) => key !== 'type')), children: [], text: variables };
}

/** "SMBIOS System Information": libvirt refuses an identity there that is not the VM's own. */
function rewriteSystem(sysinfo: XmlElement, { uuid }: CloneWish): XmlElement {
  const renew = (entry: XmlElement): XmlElement => (entry.attributes.get('name') === 'uuid' ? { ...entry, text: uuid } : entry);
  return {
    ...sysinfo,
    children: sysinfo.children.map((block) => (block.name === 'system' ? { ...block, children: block.children.map(renew) } : block)),
  };
}

const isOurs = ({ attributes }: XmlElement): boolean => [...attributes.values()].includes(RESTORE_NAMESPACE);

const element = (name: string, attributes: Readonly<Record<string, string>> = {}, text = ''): XmlElement => ({
  name,
  attributes: new Map(Object.entries(attributes)),
  children: [],
  text,
});
