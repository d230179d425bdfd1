import type { SshTransport } from './libvirt-uri.ts';

/** How long the other machine may be silent while the connection is made. */
const CONNECT_SECONDS = 20;

/** How ssh is told of the other machine, up to its name. Nothing is asked on a terminal, and nothing of this machine is lent to the other. */
export function sshOptions(transport: SshTransport, more: readonly string[] = []): readonly string[] {
  const { port, user, keyFile, knownHostsFile, verifiesHost } = transport;
  const options = [
    'BatchMode=yes',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    'ForwardAgent=no',
    'ForwardX11=no',
    'PermitLocalCommand=no',
    ...(verifiesHost ? [] : ['StrictHostKeyChecking=no']),
    ...(knownHostsFile === undefined ? [] : [`UserKnownHostsFile=${quoteOption(knownHostsFile)}`]),
    ...more,
  ];
  return [
    '-T',
    '-e',
    'none',
    ...options.flatMap((option) => ['-o', option]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(keyFile === undefined ? [] : ['-i', keyFile]),
  ];
}

/** One word of a POSIX shell. */
export const quoteWord = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** A command for the other side, whose login shell may be any: it is asked for a POSIX one and no more. */
export const inShell = (script: string): string => `sh -c ${quoteWord(script)}`;

/** ssh_config(5): values with spaces stand in double quotes, and a percent sign begins a token. */
const quoteOption = (value: string): string => `"${value.replaceAll('%', '%%')}"`;
