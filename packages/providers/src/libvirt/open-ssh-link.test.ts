import { execFileSync } from 'node:child_process';
import { ProgramEnded } from '@hypersdk/wire';
import { expect, test } from 'vitest';
import { parseLibvirtUri } from './libvirt-uri.ts';
import { explainSsh, toSshArgs } from './open-ssh-link.ts';

function argsOf(uri: string, isReadOnly = false): readonly string[] {
  const { transport, localUri } = parseLibvirtUri(uri, { isRoot: false, isReadOnly });
  return transport.kind === 'ssh' ? toSshArgs(transport, { localUri, isReadOnly }) : [];
}

test('nothing is asked on a terminal, and host and command come after the options', () => {
  const args = argsOf('qemu+ssh://ops@host:2222/system?keyfile=/k&known_hosts=/my%20hosts');
  expect(args.slice(0, args.indexOf('--')).join(' ')).toBe(
    '-T -e none -o BatchMode=yes -o ConnectTimeout=20 -o ForwardAgent=no -o ForwardX11=no -o PermitLocalCommand=no -o UserKnownHostsFile="/my hosts" -p 2222 -l ops -i /k',
  );
  expect(args[args.indexOf('--') + 1]).toBe('host');
  expect(args).toHaveLength(args.indexOf('--') + 3);
});

test('a host whose key is unknown is believed only when that was asked for', () => {
  expect(argsOf('qemu+ssh://host/system').join(' ')).not.toContain('StrictHostKeyChecking');
  expect(argsOf('qemu+ssh://host/system?no_verify=1')).toContain('StrictHostKeyChecking=no');
});

test('what the other shell runs is one word for it, whatever the path of the socket', () => {
  const command = argsOf("qemu+ssh://host/system?socket=/run/it's $(touch /tmp/x) here".replaceAll(' ', '%20')).at(-1) ?? '';
  const shown = execFileSync('sh', ['-c', `set -- ${command}; printf '%s|' "$@"`], { encoding: 'utf8' });
  expect(shown).toBe(`sh|-c|exec nc -U '/run/it'\\''s $(touch /tmp/x) here'|`);
});

test('the helper of libvirt is told who only looks', () => {
  expect(argsOf('qemu+ssh://host/system', true).at(-1)).toContain('virt-ssh-helper -r ');
});

test.each([
  ['Host key verification failed.', 'libvirt/unknown-host'],
  ['ops@host: Permission denied (publickey,password).', 'libvirt/forbidden'],
  ['ssh: connect to host host port 22: Connection refused', 'libvirt/unreachable'],
  ['ssh: Could not resolve hostname host: Name or service not known', 'libvirt/unreachable'],
  ['sh: 1: nc: not found', 'libvirt/unreachable'],
  ["error: cannot connect to '/var/run/libvirt/libvirt-sock': Failed to connect socket to '/x': Permission denied", 'libvirt/forbidden'],
  ["error: cannot connect to '/var/run/libvirt/libvirt-sock': Failed to connect socket to '/x': No such file or directory", 'libvirt/unreachable'],
  ['', 'libvirt/unreachable'],
])('%j is told as %s', (said, code) => {
  expect(explainSsh(new ProgramEnded('ssh', { status: 255, said }), 'host')).toMatchObject({ code, detail: { host: 'host', status: 255 } });
});

test('an end of another kind is not explained by ssh', () => {
  expect(explainSsh(new Error('x'), 'host')).toBeUndefined();
});
