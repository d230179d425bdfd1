import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { QmpChannel, type QmpEvent } from './qmp-channel.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qmp-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const calm = { signal: new AbortController().signal };

/** An emulator that answers each command by what `reply` says. */
async function openPair(
  reply: (command: string, socket: Socket) => string | undefined,
): Promise<{ readonly channel: QmpChannel; readonly events: QmpEvent[] }> {
  const events: QmpEvent[] = [];
  const channel = await QmpChannel.listen(join(folder, 'qmp'), (event) => events.push(event));
  const socket = connect(join(folder, 'qmp'));
  socket.on('error', () => undefined);
  socket.write('{"QMP":{}}\n');
  socket.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      const { execute } = JSON.parse(line) as { readonly execute: string };
      const answer = execute === 'qmp_capabilities' ? '{"return":{}}\n' : reply(execute, socket);
      if (answer !== undefined) socket.write(answer);
    }
  });
  await channel.accept(calm);
  return { channel, events };
}

test('answers come in the order of the commands, events between them, lines in any pieces', async () => {
  const { channel, events } = await openPair((command, socket) => {
    socket.write('{"event":"RESET","data":{"guest":true}}\n{"ret');
    return `urn":"${command}"}\n`;
  });
  await using _ = channel;
  expect(await Promise.all([channel.execute('a', {}), channel.execute('b', {})])).toEqual(['a', 'b']);
  expect(events).toEqual([
    { event: 'RESET', byGuest: true },
    { event: 'RESET', byGuest: true },
  ]);
});

test('a refused command rejects with what was said, and the next one works', async () => {
  const { channel } = await openPair((command) => (command === 'bad' ? '{"error":{"desc":"no such device"}}\n' : '{"return":1}\n'));
  await using _ = channel;
  await expect(channel.execute('bad', {})).rejects.toThrow('no such device');
  expect(await channel.execute('good', {})).toBe(1);
});

test.each([
  ['what is not QMP', 'nonsense\n'],
  ['a line without an end', 'x'.repeat(1024 * 1024 + 1)],
])('an emulator that sends %s is not listened to any longer', async (_, bytes) => {
  const { channel } = await openPair(() => bytes);
  await using _channel = channel;
  await expect(channel.execute('a', {})).rejects.toThrow('cannot be watched');
  await expect(channel.execute('b', {})).rejects.toThrow('cannot be watched');
});

test('an emulator that hangs up fails what was asked', async () => {
  const { channel } = await openPair((_, socket) => {
    socket.destroy();
    return undefined;
  });
  await using _ = channel;
  await expect(channel.execute('a', {})).rejects.toThrow('hung up');
});
