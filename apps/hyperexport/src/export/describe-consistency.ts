import type { ExportManifest } from '@hypersdk/domain';

/** How whole the content of disks is that were read while their VM ran; undefined where there is nothing to say. */
export function describeConsistency({ consistency, vm }: Pick<ExportManifest, 'consistency' | 'vm'>): string | undefined {
  if (vm.powerState !== 'running') return undefined;
  if (consistency !== 'crash') return 'the guest wrote out what it held, and its file systems are whole';
  const why = {
    none: ': no guest agent is in it',
    silent: ': its guest agent did not answer',
    connected: '',
  }[vm.guestAgent ?? 'none'];
  return `as a power cut would leave it${why}`;
}
