import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTools } from './find-tools.ts';
import { enclose } from './sandbox.ts';

const TIMEOUT_MS = 60_000;
let folder: string;
let server: Server;

/** A command line in a sandbox, up to the program in it. */
function enter(kind: 'bubblewrap' | 'landlock'): { readonly command: string; readonly args: readonly string[] } {
  const { choices } = findTools((process.env['PATH'] ?? '').split(delimiter), { unsandboxed: false });
  const tools = choices.find(({ walls }) => (walls === 'landlock') === (kind === 'landlock'));
  if (!tools) return expect.fail('There is no sandbox.');
  const image = { path: join(folder, 'disk.raw'), format: 'raw', beside: ['part.vmdk'] } as const;
  return enclose(tools, { scratch: join(folder, 'scratch'), disks: [image], memory: 0, devices: [] });
}

/** Runs a shell where the emulator would be: what an emulator that was taken over could do. */
async function inside(script: string, kind: 'bubblewrap' | 'landlock' = 'bubblewrap'): Promise<string> {
  const { command, args } = enter(kind);
  // Landlock keeps the environment that it is given, which the prover leaves empty.
  const env = kind === 'landlock' ? {} : { SECRET: 'not for the guest' };
  const { stdout } = await promisify(execFile)(command, [...args, '/usr/bin/sh', '-c', `{ ${script}; } 2>&1; true`], { env, timeout: TIMEOUT_MS });
  return stdout;
}

describe.skipIf(missing('qemu-system-x86_64', 'bwrap', 'setpriv', 'prlimit'))('whoever is shut in', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
    await mkdir(join(folder, 'scratch'));
    for (const name of ['disk.raw', 'part.vmdk', 'secret.txt']) await writeFile(join(folder, name), `content of ${name}`);
    server = createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('reads the image and its parts, and cannot write to them', async () => {
    const seen = await inside('cat /images/0/disk.raw /images/0/part.vmdk; echo x >/images/0/disk.raw; rm /images/0/part.vmdk; ls /images/0');
    expect(seen).toContain('content of disk.rawcontent of part.vmdk');
    expect(seen).toMatch(/Read-only file system[^]*(?:Read-only|busy)[^]*disk\.raw\npart\.vmdk\n$/);
    expect(await readFile(join(folder, 'disk.raw'), 'utf8')).toBe('content of disk.raw');
  });

  test('sees no other file of the host, no other process and no environment', async () => {
    const seen = await inside(`cat '${folder}/secret.txt' /etc/passwd; ls /home /root /var; ls /proc | grep -c '^[0-9]'; env; id -u`);
    expect(seen).not.toContain('content of secret.txt');
    expect(seen).not.toContain('root:');
    expect(seen).not.toContain('not for the guest');
    expect(seen.match(/No such file or directory/g)).toHaveLength(5);
    expect(seen).toMatch(/^65534$/m);
    expect(Number(/^\d+$/m.exec(seen)?.[0])).toBeLessThan(10);
  });

  test('has no network, not even to this machine', async () => {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const seen = await inside(
      `tail -n +3 /proc/net/dev | cut -d: -f1; perl -MIO::Socket::INET -e 'print IO::Socket::INET->new("127.0.0.1:${port}") ? "connected" : "refused: $!"'`,
    );
    expect(seen).not.toContain('connected');
    expect(seen.split('\n')[0]?.trim()).toBe('lo');
  });

  test('writes to its scratch only, within bounds', async () => {
    const seen = await inside(
      'ulimit -f; ulimit -n; echo hello >/scratch/out; for place in /usr /dev /dev/shm /images /; do echo x >$place/hypersdk-shut-in; done',
    );
    // 4 GiB in blocks of 512 bytes.
    expect(seen.split('\n').slice(0, 2)).toEqual(['8388608', '256']);
    expect(seen.match(/Read-only file system/g)).toHaveLength(5);
    expect(await readFile(join(folder, 'scratch/out'), 'utf8')).toBe('hello\n');
  });

  describe('by Landlock, without namespaces', () => {
    const portOf = (): number => {
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    };

    test('reads the image and its parts, and cannot write to them', async () => {
      const seen = await inside(`cd ${folder}; cat disk.raw part.vmdk; echo x >disk.raw; rm part.vmdk`, 'landlock');
      expect(seen).toContain('content of disk.rawcontent of part.vmdk');
      expect(seen.match(/Permission denied/g)).toHaveLength(2);
      expect(await readFile(join(folder, 'disk.raw'), 'utf8')).toBe('content of disk.raw');
    });

    test('reads no other file of the host, looks into no other process, and has no environment', async () => {
      const seen = await inside(`cat '${folder}/secret.txt' /etc/passwd /proc/${process.pid}/environ; ls /home /root /var /proc; env`, 'landlock');
      expect(seen).not.toContain('content of secret.txt');
      expect(seen).not.toContain('root:');
      expect(seen.match(/Permission denied/g)).toHaveLength(7);
      expect(seen).not.toMatch(/^(?!PWD|_|SHLVL|OLDPWD)[A-Z_]+=/m);
    });

    test('has no network of any family, but sockets of files', async () => {
      const families = [`2,1,0`, `2,2,0`, `10,1,0`, `16,3,0`, `17,3,0`].map((one) => `socket(my $x, ${one}) and print "opened ${one}\n";`).join(' ');
      const connect = `print IO::Socket::INET->new("127.0.0.1:${portOf()}") ? "connected" : "refused";`;
      const seen = await inside(`perl -MSocket -MIO::Socket::INET -e '${families} ${connect} socket(my $u, 1, 1, 0) and print " unix"'`, 'landlock');
      expect(seen).toBe('refused unix');
    });

    test('writes to its scratch only, within bounds', async () => {
      const seen = await inside(
        `ulimit -f; ulimit -n; echo hello >${folder}/scratch/out; for place in /usr /dev/shm /tmp ${folder}; do echo x >$place/hypersdk-shut-in; done`,
        'landlock',
      );
      expect(seen.split('\n').slice(0, 2)).toEqual(['8388608', '256']);
      expect(seen.match(/Permission denied/g)).toHaveLength(4);
      expect(await readFile(join(folder, 'scratch/out'), 'utf8')).toBe('hello\n');
    });
  });

  test.each(['bubblewrap', 'landlock'] as const)('a QEMU in %s opens no file outside and reaches nobody', async (kind) => {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const qemu = async (...more: readonly string[]): Promise<string> => {
      const { command, args } = enter(kind);
      const line = [...args, '/usr/bin/qemu-system-x86_64', '-nodefaults', '-display', 'none', '-machine', 'none', ...more];
      const failed = await promisify(execFile)(command, line, { env: {}, timeout: TIMEOUT_MS }).catch((error: unknown) => error);
      return typeof failed === 'object' && failed && 'stderr' in failed ? String(failed.stderr) : expect.fail('QEMU started.');
    };
    expect(await qemu('-blockdev', `file,node-name=x,filename=${folder}/secret.txt`)).toMatch(/Permission denied|No such file/);
    expect(await qemu('-chardev', `socket,id=x,host=127.0.0.1,port=${port}`)).toMatch(/not permitted|Network is unreachable|Connection refused/);
  });
});
