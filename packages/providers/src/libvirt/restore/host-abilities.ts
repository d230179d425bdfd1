// libvirt, "Driver capabilities": which machines a host can run, and how.
import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml } from '@hypersdk/wire';
import { procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';

/** How a VM of one architecture is run there. */
export interface HostAbilities {
  readonly arch: string;
  /** `kvm` where the host's own processors do it, `qemu` where they are emulated. */
  readonly kind: 'kvm' | 'qemu';
  /** Names of machines that can be built. */
  readonly machines: readonly string[];
}

export async function readAbilities(client: Caller, { arch: wanted }: Pick<VMInfo, 'arch'>, o: Cancel): Promise<HostAbilities> {
  return findAbilities((await client.call(procedures.getCapabilities, {}, o)).xml, wanted);
}

/** Without a wish it is the host's own architecture. */
export function findAbilities(text: string, wanted: string | undefined): HostAbilities {
  const root = parseXml(text);
  const cpu = childNamed(root, 'host');
  const arch = wanted ?? (cpu && childNamed(childNamed(cpu, 'cpu') ?? cpu, 'arch')?.text.trim()) ?? 'x86_64';
  const guest = childrenNamed(root, 'guest')
    .flatMap((one) => childrenNamed(one, 'arch'))
    .find(({ attributes }) => attributes.get('name') === arch);
  if (!guest) throw new HyperError('libvirt/unsupported', `That host has no QEMU for VMs of the architecture ${arch}.`, { detail: { arch } });
  const kinds = childrenNamed(guest, 'domain').map(({ attributes }) => attributes.get('type'));
  return {
    arch,
    kind: kinds.includes('kvm') ? 'kvm' : 'qemu',
    machines: childrenNamed(guest, 'machine').map((machine) => machine.text.trim()),
  };
}
