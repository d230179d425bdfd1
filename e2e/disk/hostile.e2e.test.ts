import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, HostileCase, Trial } from './hostile/hostile-case.ts';
import { prepareHostiles } from './hostile/prepare-hostiles.ts';
import { pathsTouched } from './hostile/paths-touched.ts';

const PROGRAM = fileURLToPath(new URL('./hostile/try-hostiles.ts', import.meta.url));
const CASES_LEAST = 60;
/** From starting to read to the refusal. */
const REFUSAL_MS = 50;
const EXTRA_MEMORY = 32 * MIB;
const TIMEOUT_MS = 180_000;
const execute = promisify(execFile);

let folder = '';
let cases: readonly HostileCase[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  cases = await prepareHostiles(join(folder, 'files'));
}, TIMEOUT_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a hostile file', { timeout: TIMEOUT_MS }, () => {
  let trials: readonly (Trial & { readonly expected: HostileCase })[] = [];
  beforeAll(async () => {
    trials = (await tryAll(cases, 'all', [])).map((trial, at) => ({ ...trial, expected: required(cases[at]) }));
  }, TIMEOUT_MS);

  test('is refused by the copy with its own code and reason, one of many', () => {
    expect(trials.length).toBeGreaterThanOrEqual(CASES_LEAST);
    expect(trials.filter(({ copied, expected }) => !isRefusal(copied, expected)).map(({ name, copied }) => ({ name, copied }))).toEqual([]);
  });

  test('is refused by inspection with the same words, unless only its compressed content is wrong', () => {
    const others = trials.filter(({ inspected, expected }) => !isRefusal(inspected, expected));
    expect(others.filter(({ inspected }) => inspected !== 'accepted').map(({ name, inspected }) => ({ name, inspected }))).toEqual([]);
    // Inspection reads headers and tables; streams and the markers before them are read with the content.
    const unread = others
      .filter(({ name }) => !/^qcow2: .*(?:compressed cluster|streams)|^vmdk: .*(?:marker|grain)/.test(name))
      .map(({ name }) => name);
    expect(unread).toEqual([]);
  });

  test('is never referred to as what it was not: it passes for its format, or the reference is refused', () => {
    const odd = trials.filter(
      ({ referred, expected }) => referred !== 'accepted' && ![expected.code, 'image/format-mismatch'].includes(referred.code),
    );
    expect(odd.map(({ name, referred }) => ({ name, referred }))).toEqual([]);
  });

  test('costs at most 50 ms of processor time and 32 MiB of memory', () => {
    const costly = trials.filter(({ inspectMs, copyMs, extraBytes }) => Math.max(inspectMs, copyMs) > REFUSAL_MS || extraBytes > EXTRA_MEMORY);
    expect(costly.map(({ name, inspectMs, copyMs, extraBytes }) => ({ name, inspectMs, copyMs, extraBytes }))).toEqual([]);
  });

  test('leaves nothing behind at the target', () => {
    expect(trials.filter(({ left }) => left.length > 0).map(({ name, left }) => ({ name, left }))).toEqual([]);
  });
});

describe.skipIf(missing('strace'))('a hostile file that names others', { timeout: TIMEOUT_MS }, () => {
  test('has nothing touched but itself, and what lies beside it where that is allowed', async () => {
    const attacks = cases.filter(
      ({ code, references, name }) => code === 'image/refused-reference' || references === 'beside' || name.includes('link'),
    );
    expect(attacks.length).toBeGreaterThan(30);
    const trace = join(folder, 'trace');
    await tryAll(attacks, 'attacks', ['strace', '-f', '-qq', '-s', '512', '-e', 'trace=%file,%network', '-o', trace]);
    const touched = pathsTouched(await readFile(trace, 'utf8'));
    expect(touched.size).toBe(attacks.length);
    const strayed = attacks.flatMap((attack, at) => {
      const allowed = [dirname(attack.path), join(folder, 'attacks'), ...OWN_STATE];
      const paths = [...(touched.get(at) ?? [])].filter(
        (path) => path !== attack.path && !allowed.some((root) => path === root || path.startsWith(`${root}/`)),
      );
      return paths.map((path) => `${attack.name}: ${path}`);
    });
    expect(strayed).toEqual([]);
    // Under `refuse`, not even a file beside it.
    const beside = attacks.flatMap((attack, at) =>
      attack.references === 'beside'
        ? []
        : [...(touched.get(at) ?? [])]
            .filter((path) => path.startsWith(`${dirname(attack.path)}/`) && path !== attack.path)
            .map((path) => `${attack.name}: ${path}`),
    );
    expect(beside).toEqual([]);
  });
});

/** What the process reads about itself while it measures. */
const OWN_STATE = ['/proc/self'];

/** Tries all cases in a process of their own, under `wrapper` when there is one. */
async function tryAll(tried: readonly HostileCase[], name: string, wrapper: readonly string[]): Promise<readonly Trial[]> {
  const targets = join(folder, name);
  const list = join(folder, `${name}.json`);
  await mkdir(targets);
  await writeFile(list, JSON.stringify(tried));
  const [program, ...args] = [...wrapper, process.execPath, '--expose-gc', PROGRAM, list, targets];
  const { stdout } = await execute(program, args, { encoding: 'utf8', maxBuffer: 64 * MIB });
  const trials: readonly Trial[] = JSON.parse(stdout);
  expect(trials.map((trial) => trial.name)).toEqual(tried.map((each) => each.name));
  return trials;
}

const isRefusal = (answer: Answer, expected: HostileCase): boolean =>
  answer !== 'accepted' && answer.code === expected.code && answer.message.includes(expected.message);

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('There are more answers than questions.');
  return value;
}
