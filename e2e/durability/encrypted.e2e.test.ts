import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Encryption, ImageSettings } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { readSettled } from './checkpoint-reader.ts';
import { Stage } from './stage.ts';

const TIMEOUT_MS = 240_000;
const MIB = 1024 * 1024;

interface Keys {
  readonly encryption: Encryption & { readonly recipients: readonly string[] };
  readonly identity: string;
}

function makeKeys(stage: Stage): Keys {
  const identity = `${stage.folder}/identity`;
  execFileSync('age-keygen', ['-o', identity], { stdio: 'pipe' });
  const recipient = execFileSync('age-keygen', ['-y', identity], { encoding: 'utf8' }).trim();
  return { identity, encryption: { recipients: [recipient], keyFolder: `${stage.folder}/keys` } };
}

/** The copy is to age what the same copy is without encryption. */
async function expectSame(stage: Stage, { identity }: Keys): Promise<void> {
  expect(await stage.names()).toEqual(['disk', 'disk.leaves']);
  execFileSync('sh', ['-c', 'age --decrypt -i "$0" "$1" > "$2"', identity, stage.path, `${stage.folder}/decrypted`]);
  await stage.clear();
  expect(await stage.copy()).toMatchObject({ kind: 'done' });
  execFileSync('cmp', [`${stage.folder}/decrypted`, stage.path]);
}

describe.skipIf(missing('age') || missing('qemu-img'))('an encrypted copy that is killed', { timeout: TIMEOUT_MS }, () => {
  test.each<ImageSettings>([{ format: 'qcow2' }, { format: 'raw' }, { format: 'vmdk', subformat: 'streamOptimized' }])(
    'goes on under the same key: %o',
    async (settings) => {
      await using stage = await Stage.open(settings);
      const keys = makeKeys(stage);
      const { encryption } = keys;
      await stage.killHalfway({ encryption });
      const [key] = readdirSync(encryption.keyFolder);
      const secret = readFileSync(`${encryption.keyFolder}/${key}`, 'latin1').trim();
      for (const name of await stage.names()) {
        const bytes = readFileSync(`${stage.target}/${name}`);
        expect(bytes.includes(secret) || bytes.includes(Buffer.from(secret, 'hex'))).toBe(false);
      }
      const { leaves } = readSettled(stage.path);
      expect(leaves).toBeGreaterThan(0);
      expect(await stage.copy({ encryption })).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
      expect(readdirSync(encryption.keyFolder)).toEqual([]);
      await expectSame(stage, keys);
    },
  );

  test('at any moment, again and again, ends as the same file', async () => {
    await using stage = await Stage.open();
    const keys = makeKeys(stage);
    for (let round = 1; round <= 4; round += 1) {
      await using copy = stage.start({ encryption: keys.encryption, rateLimit: 60 * MIB });
      await copy.until(({ settled }) => settled >= round * 36 * MIB);
      copy.signal('SIGKILL');
      await copy.ended;
    }
    await stage.copy({ encryption: keys.encryption });
    await expectSame(stage, keys);
  });

  test('begins anew for other recipients, and where its key is not at hand', async () => {
    await using stage = await Stage.open();
    const keys = makeKeys(stage);
    await stage.killHalfway({ encryption: keys.encryption });
    const elsewhere = { ...keys.encryption, keyFolder: `${stage.folder}/elsewhere` };
    await stage.killHalfway({ encryption: elsewhere });
    execFileSync('age-keygen', ['-o', `${stage.folder}/other`], { stdio: 'pipe' });
    const other = execFileSync('age-keygen', ['-y', `${stage.folder}/other`], { encoding: 'utf8' }).trim();
    const end = await stage.copy({ encryption: { ...elsewhere, recipients: [other] } });
    expect(end).toMatchObject({ outcome: { resumedAt: 0, restartReason: expect.stringContaining('encrypted for others') } });
    execFileSync('sh', ['-c', 'age --decrypt -i "$0" "$1" > /dev/null', `${stage.folder}/other`, stage.path]);
  });

  test('goes on in all its volumes', async () => {
    await using stage = await Stage.open();
    const { encryption, identity } = makeKeys(stage);
    const split = { path: `${stage.path}.001`, volumeSize: 20 * MIB, encryption };
    await stage.killHalfway(split);
    const end = await stage.copy(split);
    expect(end).toMatchObject({ kind: 'done', outcome: { parts: expect.any(Array) } });
    expect(end.kind === 'done' ? end.outcome.resumedAt : 0).toBeGreaterThan(0);
    const names = (await stage.names()).filter((name) => name !== 'disk.001.leaves');
    expect(names.every((name) => /^disk\.\d{3}$/.test(name))).toBe(true);
    execFileSync('sh', ['-c', 'cat "$1".0?? | age --decrypt -i "$0" > "$2"', identity, stage.path, `${stage.folder}/decrypted`]);
    execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', stage.source, `${stage.folder}/decrypted`], { stdio: 'pipe' });
  });
});
