import { HyperError, systemCode, type ErrorCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { dialProgram, type Link, ProgramEnded } from '@hypersdk/wire';
import type { SshTransport } from './libvirt-uri.ts';
import { toPrintable } from './rpc/refusals.ts';
import { inShell, quoteWord, sshOptions } from './ssh-options.ts';

/** A link through the system's ssh program, which knows keys, agents, jump hosts and known hosts. */
export async function openSshLink(
  transport: SshTransport,
  local: { readonly localUri: string; readonly isReadOnly: boolean },
  o: Cancel,
): Promise<Link> {
  try {
    return await dialProgram({ program: 'ssh', args: toSshArgs(transport, local), environment: { LC_ALL: 'C' } }, o);
  } catch (cause) {
    o.signal.throwIfAborted();
    const why = systemCode(cause) === 'ENOENT' ? 'the program ssh is not installed here' : `ssh cannot be started (${String(cause)})`;
    throw new HyperError('libvirt/unreachable', `${transport.host} cannot be reached: ${why}.`, { cause });
  }
}

/** What ssh is started with. */
export const toSshArgs = (transport: SshTransport, local: { readonly localUri: string; readonly isReadOnly: boolean }): readonly string[] => [
  ...sshOptions(transport),
  '--',
  transport.host,
  toRemoteCommand(transport, local),
];

/** libvirt's own helper (since 6.8) finds the right daemon by itself; where it is not there, netcat goes to the socket. */
function toRemoteCommand(
  { proxy, socket }: SshTransport,
  { localUri, isReadOnly }: { readonly localUri: string; readonly isReadOnly: boolean },
): string {
  const native = `exec virt-ssh-helper ${isReadOnly ? '-r ' : ''}${quoteWord(localUri)}`;
  const netcat = `exec nc -U ${quoteWord(socket)}`;
  const script = {
    native,
    netcat,
    auto: `if command -v virt-ssh-helper >/dev/null 2>&1; then ${native}; else ${netcat}; fi`,
  }[proxy];
  return inShell(script);
}

/** What the last words of ssh mean, of which only the beginning is the same in all versions. */
const MEANINGS: readonly (readonly [pattern: RegExp, code: ErrorCode, why: string])[] = [
  [
    /host key verification failed|remote host identification has changed/i,
    'libvirt/unknown-host',
    'the key of that machine is not known, or is another than it was',
  ],
  [/permission denied \(|too many authentication failures|no supported authentication/i, 'libvirt/forbidden', 'it does not let this user in'],
  [
    /could not resolve|connection refused|timed out|no route to host|network is unreachable|connection reset|connection closed/i,
    'libvirt/unreachable',
    'it cannot be reached',
  ],
  [/identity file .* not accessible|unprotected private key/i, 'libvirt/forbidden', 'the key file cannot be used'],
  [/(virt-ssh-helper|nc): (command )?not found|not found/i, 'libvirt/unreachable', 'neither virt-ssh-helper nor nc is there'],
  [/permission denied/i, 'libvirt/forbidden', 'that user may not use the socket of libvirt there'],
  [/failed to connect socket|no such file|cannot connect/i, 'libvirt/unreachable', 'no libvirt daemon answers there'],
];

/** Why a link through ssh ended, as an error that says what to do; undefined for ends of any other kind. */
export function explainSsh(reason: unknown, host: string): HyperError | undefined {
  if (!(reason instanceof ProgramEnded)) return undefined;
  const words = toPrintable(reason.said);
  const [, code, why] = MEANINGS.find(([pattern]) => pattern.test(reason.said)) ?? [
    undefined,
    'libvirt/unreachable' as const,
    'the connection ended',
  ];
  return new HyperError(code, `No connection to libvirt on ${host}: ${why}${words === '' ? '' : ` (ssh says: ${words})`}.`, {
    cause: reason,
    detail: { host, ...(reason.status === undefined ? {} : { status: reason.status }) },
  });
}
