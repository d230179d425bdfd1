import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { measure } from './measure.ts';

const node = (script: string): readonly string[] => [process.execPath, '-e', script];
const BURN = 'let use; do use = process.cpuUsage(); while (use.user + use.system < 300_000)';

describe.skipIf(missing('time'))('measuring a process', () => {
  test('counts the CPU that it burns and not the time that it sleeps', () => {
    const busy = measure({ argv: node(BURN) });
    expect(busy.cpuMs).toBeGreaterThan(290);

    const asleep = measure({ argv: ['sleep', '0.3'] });
    expect(asleep.wallMs).toBeGreaterThan(299);
    expect(asleep.cpuMs).toBeLessThan(50);
  });

  test('counts what its children burn', () => {
    const { cpuMs } = measure({ argv: ['sh', '-c', `'${process.execPath}' -e '${BURN}'; true`] });
    expect(cpuMs).toBeGreaterThan(290);
  });

  test('answers the largest memory of the process, not that of the runner', () => {
    const ballast = Buffer.alloc(200 * 1024 ** 2, 1);
    expect(measure({ argv: ['true'] }).rssBytes).toBeLessThan(16 * 1024 ** 2);
    expect(measure({ argv: node('Buffer.alloc(150 * 1024 ** 2, 1)') }).rssBytes).toBeGreaterThan(150 * 1024 ** 2);
    expect(ballast.length).toBe(200 * 1024 ** 2);
  });

  test('passes variables on', () => {
    expect(() => measure({ argv: ['sh', '-c', 'test "$HYPERSDK_NATIVE" = off'], env: { HYPERSDK_NATIVE: 'off' } })).not.toThrow();
  });

  test('a command that fails is an error with what it printed', () => {
    expect(() => measure({ argv: ['sh', '-c', 'echo no room; exit 3'] })).toThrow('no room');
    expect(() => measure({ argv: ['no-such-program-anywhere'] })).toThrow();
  });
});
