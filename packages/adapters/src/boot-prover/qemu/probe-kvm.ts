import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { MIB } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { isThere } from '../../find-program.ts';
import type { Tools } from './find-tools.ts';
import { bareMachine } from './machine-arguments.ts';
import { enclose } from './sandbox.ts';

export const KVM_DEVICE = '/dev/kvm';

/** Firmware speaks within a tenth of a second where virtualisation works. */
const PATIENCE_MS = 4000;
const MEMORY = 64 * MIB;
/** SeaBIOS writes its log to this port. */
const DEBUG_PORT = '0x402';

/** Whether a guest really runs: the device may be there and a guest on it never get to its first word, as in nested machines. */
export async function probeKvm(tools: Tools, o: Cancel & { readonly scratch: string }): Promise<boolean> {
  if (!isThere(KVM_DEVICE, constants.R_OK | constants.W_OK)) return false;
  const { command, args } = enclose(tools, { scratch: o.scratch, disks: [], memory: MEMORY, devices: [KVM_DEVICE] });
  const machine = [...bareMachine('kvm'), '-machine', 'q35', '-m', String(MEMORY / MIB), '-chardev', 'stdio,id=log,signal=off'];
  const debug = ['-device', `isa-debugcon,iobase=${DEBUG_PORT},chardev=log`];
  const child = spawn(command, [...args, tools.qemu, ...machine, ...debug], { env: {}, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(child, 'close').catch(() => undefined);
  try {
    const spoke = once(child.stdout, 'data', { signal: AbortSignal.any([o.signal, AbortSignal.timeout(PATIENCE_MS)]) }).then(
      () => true,
      () => false,
    );
    return await Promise.race([spoke, closed.then(() => false)]);
  } finally {
    child.kill('SIGKILL');
    await closed;
    o.signal.throwIfAborted();
  }
}
