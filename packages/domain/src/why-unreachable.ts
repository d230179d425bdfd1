import { systemCode } from './system-code.ts';

/** What the system says when nobody is met, in words; connect(2) and getaddrinfo(3) say when. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (the connection was refused)',
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'that file is no socket',
  ENOTFOUND: 'no name server knows this name',
  EAI_AGAIN: 'no name server answers, so the name cannot be looked up now',
  ETIMEDOUT: 'nothing answers (the machine is off, or something between drops what is sent)',
  EHOSTUNREACH: 'no way leads to that machine',
  EHOSTDOWN: 'that machine is off',
  ENETUNREACH: 'no way leads to that network',
  ECONNRESET: 'the other side hung up at once',
  EACCES: 'this user may not connect to it',
  EPERM: 'this user, or a firewall on this machine, does not allow it',
  EADDRNOTAVAIL: 'this machine has no address to connect from',
};

/** Why nobody was met at an address, to stand behind "… cannot be reached: ". */
export function whyUnreachable(cause: unknown): string {
  const code = systemCode(cause);
  if (code !== undefined) return REASONS[code] ?? `the system gives ${code}`;
  return cause instanceof Error && cause.message !== '' ? cause.message : 'the connection could not be made';
}
