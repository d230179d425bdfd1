import { MIB, type BootVerdict } from '@hypersdk/domain';
import type { BootObservation } from '@hypersdk/ports';
import { memoryScreen } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { describeUndecided, judgeBoot, type WatchedBoot } from './judge-boot.ts';

type Seen = Partial<Omit<BootObservation, 'serial'>> & { readonly says?: string };

const watched = ({ says = '', ...seen }: Seen, more: Partial<WatchedBoot> = {}): WatchedBoot => ({
  now: { elapsedMs: 1000, serial: new TextEncoder().encode(says), bytesRead: 0, bytesWritten: 0, resets: 0, state: 'running', ...seen },
  stillMs: 0,
  pictures: 0,
  expect: [],
  ...more,
});

const verdictOn = (says: string): string => {
  const verdict = judgeBoot(watched({ says }));
  return verdict === undefined ? 'undecided' : verdict.kind === 'failed' ? verdict.reason : verdict.kind;
};

describe('what guests say', () => {
  test.each([
    ['booted', 'Debian GNU/Linux 12 web-01 ttyS0\r\n\r\nweb-01 login: '],
    ['booted', '\u001B[0m[\u001B[0;32m  OK  \u001B[0m] Reached target \u001B[0;1;39mMulti-User System\u001B[0m.\r\n'],
    ['booted', 'Computer is booting, SAC started and initialized.\r\nSAC>'],
    ['kernel-panic', '[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n'],
    ['kernel-panic', 'panic: mounting from ufs failed\n'],
    ['emergency-shell', 'ALERT!  UUID=1234 does not exist.  Dropping to a shell!\r\n(initramfs) '],
    ['emergency-shell', 'You are in emergency mode. After logging in, type "journalctl -xb"\n'],
    ['emergency-shell', 'Generating "/run/initramfs/rdsosreport.txt"\n\ndracut:/# '],
    ['damaged-loader', 'error: no such partition.\nEntering rescue mode...\ngrub rescue> '],
    ['damaged-loader', 'Missing operating system.\n'],
    ['damaged-loader', 'BdsDxe: failed to start Boot0002 "UEFI HARDDISK" from PciRoot(0x0): Load Error\nUEFI Interactive Shell v2.2\nShell> '],
    ['no-boot-device', 'BdsDxe: failed to load Boot0002 "UEFI HARDDISK" from PciRoot(0x0): Not Found\nUEFI Interactive Shell v2.2\nShell> '],
    ['no-boot-device', 'Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nNo bootable device.\n'],
    ['undecided', 'Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nBooting from Hard Disk...\n'],
    ['undecided', '[    1.0] Linux version 6.1.0\n'],
    ['undecided', ''],
  ])('%s: %j', (expected, says) => {
    expect(verdictOn(says)).toBe(expected);
  });

  test('a failure outweighs a greeting that came before', () => {
    expect(verdictOn('web-01 login: \nKernel panic - not syncing: Fatal exception\n')).toBe('kernel-panic');
  });

  test('a screen in text mode counts as much as the serial port', () => {
    const verdict = judgeBoot(watched({ text: ['SeaBIOS (version 1.16.2)', 'No bootable device.'] }));
    expect(verdict).toEqual({ kind: 'failed', reason: 'no-boot-device', sign: 'No bootable device.' });
  });

  test('whoever names a text waits for that and for nothing else', () => {
    const expecting = { expect: ['ready to serve'] };
    expect(judgeBoot(watched({ says: 'web-01 login: ' }, expecting))).toBeUndefined();
    expect(judgeBoot(watched({ says: 'ready to serve\n' }, expecting))).toEqual({ kind: 'booted', sign: 'ready to serve' });
    expect(judgeBoot(watched({ says: 'ready to serve\nKernel panic - not syncing: x\n' }, expecting))).toMatchObject({ kind: 'failed' });
  });

  test('a sign is one line of bounded length', () => {
    const verdict = judgeBoot(watched({ says: `Kernel panic - not syncing: ${'x'.repeat(5000)}\n` }));
    expect(verdict?.kind === 'failed' ? verdict.sign.length : 0).toBe(200);
  });
});

describe('what guests do', () => {
  const handedOver = { text: ['SeaBIOS', 'Booting from Hard Disk...'], bytesRead: 512 };
  const damaged: Partial<BootVerdict> = { kind: 'failed', reason: 'damaged-loader' };

  test('a boot sector that does nothing for long is damaged, one that was just started is not', () => {
    expect(judgeBoot(watched(handedOver, { stillMs: 30_000 }))).toMatchObject(damaged);
    expect(judgeBoot(watched(handedOver, { stillMs: 5000 }))).toBeUndefined();
    expect(judgeBoot(watched({ ...handedOver, bytesRead: 20 * MIB }, { stillMs: 30_000 }))).toBeUndefined();
  });

  test('a guest that starts over and over has a damaged loader, or fails later when it read its system', () => {
    expect(judgeBoot(watched({ resets: 4, bytesRead: 4096 }))).toMatchObject(damaged);
    expect(judgeBoot(watched({ resets: 4, bytesRead: 90 * MIB }))).toMatchObject({ kind: 'failed', reason: 'reset-loop' });
    expect(judgeBoot(watched({ resets: 1, bytesRead: 90 * MIB }))).toBeUndefined();
  });

  test('an end without a sign decides nothing', () => {
    expect(judgeBoot(watched({ state: 'off' }))).toMatchObject({ kind: 'unclear' });
    expect(judgeBoot(watched({ state: 'broken', why: 'it was ended by SIGXFSZ.' }))).toEqual({
      kind: 'unclear',
      reason: 'The emulator ended by itself: it was ended by SIGXFSZ.',
    });
  });

  test('when time is over it is said what was seen', () => {
    const seen = watched({ elapsedMs: 300_000, bytesRead: 80 * MIB, screen: memoryScreen('a') }, { stillMs: 60_000, pictures: 7 });
    expect(describeUndecided(seen)).toBe(
      'After 300 s there was no sign of success or failure: 80 MiB read, a picture that changed 7 times, still for 60 s.',
    );
    expect(describeUndecided(watched({}))).toContain('a blank screen, still at work');
  });
});
