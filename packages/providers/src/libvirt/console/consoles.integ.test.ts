import { execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toVMId, type VMId } from '@hypersdk/domain';
import type { Console, SerialLine } from '@hypersdk/ports';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { parsePixmap } from '@hypersdk/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, GREETING } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { LastingCaller } from '../lasting-caller.ts';
import { openConnection } from '../libvirt-connection.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { CONSOLES, screenPorts } from './build-console-guests.ts';
import { knock } from './build-rfb-viewer.ts';
import { LibvirtConsole } from './libvirt-console.ts';

const TIMEOUT_MS = 120_000;
const HOUR_MS = 60 * 60 * 1000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'python3', 'script'))(
  'consoles of real guests',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let running: Libvirtd | undefined;
    let count = 0;

    beforeAll(async () => {
      running = opened.use(await openLibvirtd({ qemuConfig: screenPorts() }));
    });
    afterAll(() => opened.disposeAsync());

    const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
    const begin = async (devices: string, kind: 'talking' | 'deaf' = 'talking') => {
      const name = `guest-${(count += 1)}`;
      const id = toVMId(await defineGuest(daemon(), { name, kind, devices }));
      daemon().virsh('start', name, '--paused');
      return { name, id };
    };
    const openConsole = async (now?: () => number): Promise<AsyncDisposable & { readonly console: Console }> => {
      const open = () => openConnection(libvirtProvider.parse({ uri: daemon().uri }), calm);
      const caller = new LastingCaller(await open(), { reopen: open });
      const around = { caller, machine: 'kvm-1', reachedAs: 'localhost', openConnection: open };
      return { console: new LibvirtConsole(now ? { ...around, now } : around), [Symbol.asyncDispose]: () => caller[Symbol.asyncDispose]() };
    };
    const hear = async (line: SerialLine, isEnough: (text: string) => boolean): Promise<string> => {
      let heard = '';
      for await (const bytes of line.received({ signal: AbortSignal.timeout(TIMEOUT_MS / 2) })) {
        heard += Buffer.from(bytes).toString('latin1');
        if (isEnough(heard)) break;
      }
      return heard;
    };

    test('what a guest says when it starts arrives', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking);
      await using line = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' });
      daemon().virsh('resume', guest.name);
      expect(await hear(line, (text) => text.length >= GREETING.length)).toBe(GREETING);
      daemon().virsh('destroy', guest.name);
    });

    test('a line that virsh holds is told to be held, hears the same there, and can be taken over', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking);
      using other = openVirshConsole(guest.name);
      await expect.poll(other.heard, { timeout: TIMEOUT_MS / 2 }).toContain('Escape character');
      await expectRefusal(session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' }), 'console/in-use');
      daemon().virsh('resume', guest.name);
      await expect.poll(other.heard, { timeout: TIMEOUT_MS / 2 }).toContain(GREETING.trim());
      await using line = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'take-over' });
      await line.send(Buffer.from('HAL'), calm);
      expect(await hear(line, (text) => text.length >= 3)).toBe('IBM');
      daemon().virsh('destroy', guest.name);
    });

    test('a screenshot has the pixels that QEMU itself writes down', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking);
      await using line = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' });
      const before = await session.console.screenshot(guest.id, calm);
      daemon().virsh('resume', guest.name);
      await hear(line, (text) => text.length >= GREETING.length);
      daemon().virsh('suspend', guest.name);
      const { bytes, width, height } = await session.console.screenshot(guest.id, calm);
      const dump = join(daemon().scratch, `${guest.name}.ppm`);
      daemon().virsh('qemu-monitor-command', guest.name, '--hmp', `screendump ${dump}`);
      const written = parsePixmap(await readFile(dump)) ?? expect.fail('QEMU wrote no pixmap.');
      expect({ width, height }).toEqual({ width: written.width, height: written.height });
      // An interpreter with a zlib of its own reads the PNG.
      const read = execFileSync('python3', ['-c', DECODE], { input: bytes, maxBuffer: 64 * 1024 * 1024 });
      expect(read.equals(written.pixels)).toBe(true);
      expect(new Set(read).size).toBeGreaterThan(1);
      expect(Buffer.compare(bytes, before.bytes)).not.toBe(0);
      daemon().virsh('destroy', guest.name);
    });

    test('a guest that takes nothing holds up who sends, until that is called off, and nobody else', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking, 'deaf');
      const line = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' });
      const stop = new AbortController();
      const sending = line.send(Buffer.alloc(32 * 1024 * 1024, 'x'), { signal: stop.signal });
      let isTaken = false;
      sending.then(
        () => (isTaken = true),
        () => {},
      );
      for (let time = 0; time < 5; time += 1) expect((await session.console.offered(guest.id, calm)).hasScreen).toBe(true);
      expect(isTaken).toBe(false);
      const reason = new Error('called off');
      stop.abort(reason);
      await expect(sending).rejects.toBe(reason);
      await line[Symbol.asyncDispose]();
      await using again = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'take-over' });
      expect(again).toBeDefined();
      daemon().virsh('destroy', guest.name);
    });

    test('a ticket whose time is over opens nothing, and the next one does', async () => {
      const guest = await begin(CONSOLES.talking);
      const knockWith = async (now: () => number): Promise<boolean> => {
        await using session = await openConsole(now);
        const ticket = await session.console.issueTicket(guest.id, { ...calm, validForMs: 1000, whenUnguarded: 'refuse' });
        return await knock(ticket, ticket.guard?.password.reveal());
      };
      expect(await knockWith(() => Date.now() - HOUR_MS)).toBe(false);
      expect(await knockWith(() => Date.now() + HOUR_MS)).toBe(true);
      daemon().virsh('destroy', guest.name);
    });

    test('what is kept for the next start has the password that it had', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking);
      const ticket = await session.console.issueTicket(guest.id, { ...calm, validForMs: HOUR_MS, whenUnguarded: 'refuse' });
      const password = ticket.guard?.password.reveal() ?? expect.fail('The ticket has no guard.');
      expect(daemon().virsh('dumpxml', guest.name, '--security-info')).toContain(password);
      const kept = daemon().virsh('dumpxml', guest.name, '--security-info', '--inactive');
      expect(kept).toContain(`passwd='nobody'`);
      expect(kept).not.toContain(password);
      daemon().virsh('destroy', guest.name);
    });

    test('a SPICE console is given a password that ends too', async (context) => {
      await using session = await openConsole();
      const guest = await beginSpice();
      context.skip(guest === undefined, 'this QEMU has no SPICE');
      const ticket = await session.console.issueTicket(guest?.id ?? toVMId(''), { ...calm, validForMs: HOUR_MS, whenUnguarded: 'refuse' });
      expect(ticket).toMatchObject({ protocol: 'spice', endpoint: { kind: 'tcp', machine: 'kvm-1', host: '127.0.0.1' } });
      const described = daemon().virsh('dumpxml', guest?.name ?? '', '--security-info');
      expect(described).toContain(`passwd='${ticket.guard?.password.reveal()}' passwdValidTo='${ticket.guard?.expiresAt.slice(0, 19)}'`);
      daemon().virsh('destroy', guest?.name ?? '');
    });

    test('a line that is written to while the daemon dies says so', async () => {
      await using session = await openConsole();
      const guest = await begin(CONSOLES.talking);
      await using line = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' });
      const hearing = expectRefusal(
        hear(line, () => false),
        'libvirt/lost',
      );
      await daemon().kill();
      await hearing;
      await expectRefusal(line.send(Buffer.from('a'), calm), 'libvirt/lost');
      await daemon().start();
      await expect.poll(() => daemon().virsh('domstate', guest.name).trim(), { timeout: TIMEOUT_MS / 2 }).toBe('paused');
      await using again = await session.console.openSerial(guest.id, { ...calm, whenHeld: 'refuse' });
      daemon().virsh('resume', guest.name);
      expect(await hear(again, (text) => text.length >= GREETING.length)).toBe(GREETING);
      daemon().virsh('destroy', guest.name);
    });

    /** It wants a terminal, which `script` is. */
    const openVirshConsole = (name: string): Disposable & { readonly heard: () => string } => {
      const { uri, environment, folder } = daemon();
      const command = `virsh -c '${uri}' console ${name}`;
      const program = spawn('script', ['-qfec', command, '/dev/null'], { cwd: folder, env: environment, stdio: ['pipe', 'pipe', 'ignore'] });
      let text = '';
      program.stdout.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
      return { heard: () => text, [Symbol.dispose]: () => void program.kill('SIGKILL') };
    };

    /** Not every QEMU is built with it. */
    const beginSpice = async (): Promise<{ readonly name: string; readonly id: VMId } | undefined> => {
      try {
        return await begin(CONSOLES.spice);
      } catch (error) {
        if (/spice|qxl/i.test(String(error))) return undefined;
        throw error;
      }
    };
  },
);

/** PNG, Third Edition, §9: eight bits of red, green and blue, each row after its filter. */
const DECODE = `
import struct, sys, zlib
png = sys.stdin.buffer.read()
at, data = 8, b''
width, height, depth, colour = struct.unpack('>IIBB', png[16:26])
assert (depth, colour) == (8, 2)
while at < len(png):
    size, kind = struct.unpack('>I4s', png[at:at + 8])
    if kind == b'IDAT': data += png[at + 8:at + 8 + size]
    at += 12 + size
rows, stride, above, out = zlib.decompress(data), width * 3, bytearray(width * 3), bytearray()
for y in range(height):
    kind, row = rows[y * (stride + 1)], bytearray(rows[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
    for x in range(stride):
        a, b, c = row[x - 3] if x > 2 else 0, above[x], above[x - 3] if x > 2 else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[x] = (row[x] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
    out += row
    above = row
sys.stdout.buffer.write(out)
`;
