import type { Cancel } from '@hypersdk/ports';
import { dialProgram, ProgramEnded } from '@hypersdk/wire';
import type { SshTransport } from './libvirt-uri.ts';
import { explainSsh } from './open-ssh-link.ts';
import { inShell, sshOptions } from './ssh-options.ts';

/** What small commands answer with. */
const ANSWER_MAX = 64 * 1024;

/** Runs a small script at the other machine and answers what it wrote; one that does not end well is an error with ssh's or its own last words. */
export async function runOverSsh(transport: SshTransport, script: string, { signal }: Cancel): Promise<string> {
  const args = [...sshOptions(transport), '--', transport.host, inShell(script)];
  using link = await dialProgram({ program: 'ssh', args, environment: { LC_ALL: 'C' } }, { signal });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  link.receiver = {
    received: (bytes) => {
      said += bytes.toString('latin1');
      if (said.length > ANSWER_MAX) throw new Error('the other machine says too much');
    },
    ended: (reason) => {
      if (reason instanceof ProgramEnded && reason.status === 0) resolve(said);
      else reject(explainSsh(reason, transport.host) ?? reason);
    },
  };
  const stop = (): void => link.fail(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
