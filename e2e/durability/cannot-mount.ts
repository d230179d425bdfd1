import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';

/**
 * Whether file systems cannot be mounted here, for `describe.skipIf`. Root that is told to have all peers, and still cannot, is an error rather than a skip.
 */
export function cannotMount(...programs: readonly string[]): boolean {
  if (process.getuid?.() !== 0 || missing('mount', 'umount', ...programs)) return true;
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder], { stdio: 'pipe' });
    // Refused where the root folder is no mount of its own, as in a chroot.
    if (programs.includes('unshare')) execFileSync('unshare', ['--mount', 'true'], { stdio: 'pipe' });
    return false;
  } catch (cause) {
    if (process.env['HYPERSDK_REQUIRED_PEERS']) throw new Error('File systems should be mountable here but are not.', { cause });
    return true;
  } finally {
    rmdirSync(folder);
  }
}
