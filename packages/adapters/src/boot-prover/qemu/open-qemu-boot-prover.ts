import type { BootProver } from '@hypersdk/ports';
import type { QemuBootProverOptions } from './qemu-boot-prover.ts';

/** Reads the prover's code only now: most runs never boot anything. */
export async function openQemuBootProver(options: QemuBootProverOptions): Promise<BootProver> {
  const { QemuBootProver } = await import('./qemu-boot-prover.ts');
  return new QemuBootProver(options);
}
