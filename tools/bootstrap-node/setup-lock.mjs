import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A set-up takes seconds to minutes; another machine's that is older than this can only be dead. */
const FOREIGN_AGE_MAX_MS = 15 * 60 * 1000;
/** Long enough for the slowest set-up of another process, short enough that nobody waits for nothing. */
const WAIT_MAX_MS = 20 * 60 * 1000;
const HOST = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');

/**
 * Runs `work` while no other process does. Each contender announces itself by a file named after its process, then looks:
 * whoever sees another live one steps back and tries again. A dead process's file is no claim, so nothing is left to clean up after a kill.
 * `register(pid)` keeps the claim alive for a child that may outlive this process.
 */
export async function withSetupLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const mine = announce(folder, process.pid);
  const claims = new Set([mine]);
  try {
    await waitForTurn(folder, mine);
    return await work((pid) => {
      const claim = announce(folder, pid);
      claims.add(claim);
      return () => rmSync(join(folder, claim), { force: true });
    });
  } finally {
    for (const claim of claims) rmSync(join(folder, claim), { force: true });
  }
}

async function waitForTurn(folder, mine) {
  const deadline = Date.now() + WAIT_MAX_MS;
  let told = false;
  while (othersAlive(folder, mine)) {
    if (Date.now() > deadline) throw new Error(`Another set-up has held ${folder} for ${WAIT_MAX_MS / 60_000} minutes.`);
    rmSync(join(folder, mine), { force: true });
    if (!told) process.stderr.write('HyperSDK: waiting for another set-up in this folder…\n');
    told = true;
    // Random, so that two that stepped back together do not meet again.
    await new Promise((settle) => setTimeout(settle, 100 + Math.random() * 300));
    writeFileSync(join(folder, mine), '');
  }
}

const othersAlive = (folder, mine) => readdirSync(folder).some((claim) => claim !== mine && isAlive(folder, claim));

function announce(folder, pid) {
  const claim = [HOST, pid, startTime(pid)].join('_');
  writeFileSync(join(folder, claim), '');
  return claim;
}

function isAlive(folder, claim) {
  const [host, pid, started] = claim.split('_');
  const alive = host === HOST ? startTime(Number(pid)) === started : ageMs(join(folder, claim)) < FOREIGN_AGE_MAX_MS;
  if (!alive) rmSync(join(folder, claim), { force: true });
  return alive;
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Tells a process from a later one with the same number: field 22 of /proc/PID/stat (proc(5)), counted after the name, which may hold spaces. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'dead' : fields[19];
  } catch {
    return process.platform === 'linux' ? 'dead' : signalled(pid);
  }
}

function signalled(pid) {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return error.code === 'EPERM' ? 'alive' : 'dead';
  }
}
