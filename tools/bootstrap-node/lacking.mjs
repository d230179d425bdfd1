import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Packages that the folder's lockfile wants on this machine and node_modules does not hold in that version.
 * npm writes its own record (`node_modules/.package-lock.json`) last, so a killed installation lacks everything.
 */
export function lacking(folder) {
  const wanted = readPackages(join(folder, 'package-lock.json'));
  const present = readPackages(join(folder, 'node_modules', '.package-lock.json'));
  const absent = [];
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || !isForThisMachine(entry)) continue;
    const found = present[path];
    const same = found !== undefined && found.version === entry.version && found.integrity === entry.integrity;
    if (!same || !existsSync(join(folder, path, 'package.json'))) absent.push(path.replace(/^node_modules\//, ''));
  }
  return absent;
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** Optional packages count only when they name this machine: the others are npm's to choose. */
function isForThisMachine(entry) {
  if (entry.optional !== true && entry.peer !== true) return true;
  if (entry.os === undefined || entry.cpu === undefined) return false;
  return entry.os.includes(process.platform) && entry.cpu.includes(process.arch) && (entry.libc === undefined || entry.libc.includes(libc()));
}

let libcName;
function libc() {
  if (process.report !== undefined) process.report.excludeNetwork = true; // Looking up host names would take seconds.
  libcName ??= process.report?.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  return libcName;
}
