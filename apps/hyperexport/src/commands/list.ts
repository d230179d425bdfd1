import { formatBytes, type DiskInfo, type PowerState, type VMInfo } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { connectionFlags, type ConnectionFlags, isConnection } from '../flags/connection-flags.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { parseSize, parsePath, parseText } from '../flags/parsers.ts';
import { filesFlags, openToLook, type FilesFlags } from '../open-files.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatTable } from '../output/table.ts';
import { listenForStop } from '../stop.ts';

const orders = ['name', 'size', 'state'] as const;
const states = ['running', 'stopped', 'suspended', 'unknown'] as const satisfies readonly PowerState[];

interface ListFlags extends OutputFlags, FilesFlags, ConnectionFlags {
  readonly match?: string;
  readonly state?: PowerState;
  readonly minSize?: number;
  readonly sort: (typeof orders)[number];
}

export const listCommand = buildCommand<ListFlags, [string], CliContext>({
  docs: {
    brief: 'List the VMs in a folder of disk images, or of libvirt',
    fullDescription: `A VM is a disk image, an OVA, or a descriptor (libvirt XML, VMX, OVF) with the
images it names. The NAME or the ID is what "hyperexport export PATH" takes.
A connection is spelled as libvirt does: qemu:///system on this machine,
qemu+ssh://USER@HOST/system and qemu+tls://HOST/system on others.

EXAMPLES
  hyperexport list /var/lib/libvirt/images
  hyperexport list /vms --match '^web-' --sort size
  hyperexport list /vms --min-size 100G --json
  hyperexport list qemu+ssh://root@host-7/system --state running`,
  },
  parameters: {
    flags: {
      match: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'REGEX', brief: 'VMs whose name matches' },
      state: { kind: 'enum', optional: true, values: states, brief: 'Only VMs in this state' },
      minSize: { kind: 'parsed', optional: true, parse: parseSize, placeholder: 'SIZE', brief: 'Only VMs with disks of this size at least' },
      sort: { kind: 'enum', values: orders, default: 'name', brief: 'Order' },
      ...filesFlags,
      ...connectionFlags,
      ...outputFlags,
    },
    positional: { kind: 'tuple', parameters: [{ parse: parsePlace, placeholder: 'PATH', brief: 'Folder, image or connection' }] },
  },
  func: list,
});

function parsePlace(text: string): string {
  return isConnection(text) ? parseText(text) : parsePath(text);
}

async function list(this: CliContext, flags: ListFlags, path: string): Promise<void> {
  const services = await this.services();
  const { listVMs } = await import('@hypersdk/usecases');
  using stop = listenForStop();
  await using session = await openToLook(services, path, { flags, signal: stop.signal });
  const problems: string[] = [];
  const { match, state, minSize, sort } = flags;
  const query = {
    sort,
    ...(match === undefined ? {} : { name: match }),
    ...(state === undefined ? {} : { state }),
    ...(minSize === undefined ? {} : { minSize }),
  };
  const vms = await Array.fromAsync(
    listVMs(session.facets.inventory)(query, { signal: stop.signal, onProblem: (problem) => problems.push(problem) }),
  );
  respond(this, flags, { document: { vms, problems }, text: () => describeVMs(vms, [match, state, minSize]) });
  if (!flags.json && !flags.quiet) for (const problem of problems) this.terminal.err(`hyperexport: left out: ${printable(problem)}\n`);
}

/** With what keeps it from being read as one plain file. */
const describeFormat = ({ format, isEncrypted, partCount }: DiskInfo): string =>
  [
    ...(format === undefined ? [] : [format]),
    ...(isEncrypted ? ['encrypted'] : []),
    ...(partCount === undefined ? [] : [`in ${partCount} parts`]),
  ].join(' ');

function describeVMs(vms: readonly VMInfo[], filters: readonly unknown[]): string {
  if (vms.length === 0) return filters.some((filter) => filter !== undefined) ? 'No VM matches.\n' : 'There is no VM here.\n';
  return formatTable(
    [
      { title: 'NAME' },
      { title: 'STATE' },
      { title: 'CPUS', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'DISKS', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'FORMAT' },
      { title: 'ID' },
    ],
    vms.map((vm) => [
      vm.name,
      vm.powerState,
      vm.cpus === undefined ? '' : String(vm.cpus),
      vm.memory === undefined ? '' : formatBytes(vm.memory),
      String(vm.disks.length),
      formatBytes(vm.disks.reduce((sum, disk) => sum + disk.virtualSize, 0)),
      [...new Set(vm.disks.map(describeFormat))].filter((format) => format !== '').join(', '),
      vm.id,
    ]),
  );
}
