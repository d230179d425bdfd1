import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toVMId } from '@hypersdk/domain';
import type { Facets, IsoImages, IsoUpload, Residue } from '@hypersdk/ports';
import {
  type ArrangeProvider,
  calm,
  expectCancelled,
  expectRefusal,
  isoImagesChecks,
  MemoryEffectJournal,
  missing,
  registerChecks,
} from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest } from '../build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { makePool } from '../restore/build-pool.ts';
import { markOf, runOfMark } from './iso-upload.ts';

const TIMEOUT_MS = 120_000;
const DRIVE = `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='hdc' bus='ide'/><readonly/><serial>DRIVE1</serial></disk>`;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'xorriso'))(
  'disc images of a daemon',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let running: Libvirtd | undefined;
    let folder = '';
    let pool = '';
    let count = 0;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hypersdk-iso-'));
      opened.defer(() => rm(folder, { recursive: true }));
      running = opened.use(await openLibvirtd());
      pool = await makePool(running, 'discs');
      await makePool(running, 'checked');
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());

    const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');

    async function open(run = `DISC${(count += 1)}`) {
      const journal = new MemoryEffectJournal();
      const work = { run, effects: journal, isRunning: () => false, takeOver: () => {} };
      const session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri }), { ...calm, work });
      const { isoImages, residue }: Partial<Facets> = session.facets;
      if (!isoImages || !residue) return expect.fail('The session has no disc images.');
      return { journal, run, isoImages, residue, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() } satisfies Opened;
    }

    /** A disc that xorriso made, with a file of random bytes on it. */
    async function build(label: string, o: { readonly isBootable?: boolean } = {}): Promise<string> {
      const content = join(folder, `tree-${(count += 1)}`);
      await mkdir(content);
      await writeFile(join(content, 'random'), Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919 + count) % 251)));
      const path = join(folder, `${label}-${count}.iso`);
      const boot = o.isBootable ? ['-b', 'random', '-no-emul-boot'] : [];
      execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-V', label, '-J', '-R', ...boot, '-o', path, content], { stdio: 'ignore' });
      return path;
    }

    async function uploadOf(path: string, name: string): Promise<IsoUpload> {
      const bytes = await readFile(path);
      return {
        pool: 'discs',
        name,
        fileSize: bytes.length,
        digest: createHash('sha256').update(bytes).digest('hex'),
        content: createReadStream(path),
      };
    }

    /** A stopped VM without a drive, and one with, in turns. */
    const arrange: ArrangeProvider = async () => {
      const name = `checked-${(count += 1)}`;
      const id = toVMId(await defineGuest(daemon(), { name, kind: 'deaf', devices: count % 2 === 0 ? DRIVE : '' }));
      const work = { run: `CHECK${count}`, effects: new MemoryEffectJournal(), isRunning: () => false, takeOver: () => {} };
      return {
        open: () => libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri }), { ...calm, work }),
        absent: toVMId('00000000-0000-4000-8000-000000000000'),
        pool: 'checked',
        power: { deaf: id, obedient: id },
        writeToDisk: async () => expect.fail('No check of discs writes to a disk.'),
        [Symbol.asyncDispose]: async () => {
          daemon().virsh('undefine', name);
        },
      };
    };
    registerChecks('disc images', isoImagesChecks(arrange));

    test('an image that xorriso made is stored byte for byte, and listed as it was made', async () => {
      await using session = await open();
      const path = await build('DEBIAN 12', { isBootable: true });
      const stages: string[] = [];
      const onProgress = ({ stage, settled }: { readonly stage: string; readonly settled: number }) => stages.push(`${stage} ${settled}`);
      const image = await session.isoImages.upload(await uploadOf(path, 'debian 12.iso'), { ...calm, onProgress });
      const bytes = await readFile(path);
      expect(image).toEqual({
        pool: 'discs',
        name: 'debian 12.iso',
        path: join(pool, 'debian 12.iso'),
        fileSize: bytes.length,
        label: 'DEBIAN 12',
        isBootable: true,
      });
      expect((await readFile(image.path)).equals(bytes)).toBe(true);
      expect(stages).toContain(`copying ${bytes.length}`);
      expect(stages).toContain(`verifying ${bytes.length}`);
      expect(await session.journal.list(calm)).toEqual([]);
      expect(await session.isoImages.list(calm)).toContainEqual(image);
      // Once libvirt has looked at the file itself, it says what it is.
      daemon().virsh('pool-refresh', 'discs');
      expect(await session.isoImages.list({ ...calm, pool: 'discs' })).toContainEqual(image);
      expect(daemon().virsh('vol-dumpxml', 'debian 12.iso', '--pool', 'discs')).toContain(`<format type='iso'/>`);
      await expectRefusal(session.isoImages.upload(await uploadOf(path, 'debian 12.iso'), calm), 'volume/exists');
      await session.isoImages.delete(image, calm);
      expect(await session.isoImages.list(calm)).not.toContainEqual(image);
      await expectRefusal(session.isoImages.delete(image, calm), 'volume/not-found');
    });

    test('what is called an image and is none is told apart, and a pool that is not there is said not to be', async () => {
      await using session = await open();
      await writeFile(join(pool, 'fake.iso'), Buffer.alloc(100_000, 'x'));
      await writeFile(join(pool, 'short.iso'), 'CD001');
      await writeFile(join(pool, 'half.iso'), markOf('OTHER', 65_536));
      daemon().virsh('pool-refresh', 'discs');
      const problems: string[] = [];
      const listed = await session.isoImages.list({ ...calm, onProblem: (problem) => problems.push(problem) });
      expect(listed.map(({ name }) => name).filter((name) => ['fake.iso', 'short.iso', 'half.iso'].includes(name))).toEqual([]);
      expect(problems.toSorted()).toEqual([
        'discs/fake.iso: This is not the image of a disc: there is no volume descriptor in its sector 16.',
        'discs/half.iso: its upload is not finished.',
        'discs/short.iso: This is not the image of a disc: there is no volume descriptor in its sector 16.',
      ]);
      await expectRefusal(session.isoImages.list({ ...calm, pool: 'nowhere' }), 'storage-pool/not-found');
      for (const name of ['fake.iso', 'short.iso', 'half.iso']) daemon().virsh('vol-delete', name, '--pool', 'discs');
    });

    test('what is not what it was said to be leaves nothing', async () => {
      await using session = await open();
      const path = await build('WRONG');
      const right = await uploadOf(path, 'wrong.iso');
      const cut = await build('CUT');
      await truncate(cut, 200_000);
      for (const [wish, code] of [
        [{ ...right, digest: '0'.repeat(64) }, 'verify/mismatch'],
        [{ ...right, fileSize: right.fileSize + 2048 }, 'verify/mismatch'],
        [await uploadOf(cut, 'wrong.iso'), 'image/malformed'],
        [{ ...right, name: 'wrong.img' }, 'usage/invalid'],
        [{ ...right, name: '../wrong.iso' }, 'usage/invalid'],
        [{ ...right, pool: 'nowhere' }, 'storage-pool/not-found'],
      ] as const) {
        const content = wish.fileSize >= right.fileSize ? createReadStream(path) : wish.content;
        await expectRefusal(session.isoImages.upload({ ...wish, content }, calm), code);
        expect(daemon().virsh('vol-list', 'discs')).not.toContain('wrong');
        expect(await session.journal.list(calm)).toEqual([]);
      }
      await expectCancelled((o) => session.isoImages.upload(right, o));
    });

    test('an upload that is stopped on its way leaves nothing, and one whose process died is found by its mark', async () => {
      await using session = await open();
      const wish = await uploadOf(await build('STOPPED'), 'stopped.iso');
      const stop = new AbortController();
      const upload = session.isoImages.upload(wish, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
      await expect(upload).rejects.toThrow('enough');
      expect(daemon().virsh('vol-list', 'discs')).not.toContain('stopped.iso');

      await writeFile(join(pool, 'dead.iso'), Buffer.concat([markOf('DEAD', 65_536), Buffer.alloc(200_000, 'y')]));
      await giveAway(join(pool, 'dead.iso'));
      daemon().virsh('pool-refresh', 'discs');
      const left = (await Array.fromAsync(session.residue.find(calm))).filter(({ kind }) => kind === 'volume');
      expect(left).toEqual([expect.objectContaining({ run: 'DEAD', name: 'discs/dead.iso' })]);
      const [effect] = left;
      if (!effect) return expect.fail('Nothing was found.');
      expect(await session.residue.undo({ ...effect, run: 'ANOTHER' }, calm)).toBe(false);
      expect(await session.residue.undo(effect, calm)).toBe(true);
      expect(await session.residue.undo(effect, calm)).toBe(false);
      expect(daemon().virsh('vol-list', 'discs')).not.toContain('dead.iso');
    });

    test('an upload whose daemon dies under it fails, and what lies there is no image and goes away', async () => {
      await using own = await openLibvirtd();
      const ownPool = await makePool(own, 'discs');
      const effects = new MemoryEffectJournal();
      const work = { run: 'LOST', effects, isRunning: () => false, takeOver: () => {} };
      await using session = await libvirtProvider.open(libvirtProvider.parse({ uri: own.uri }), { ...calm, work });
      const { isoImages, residue }: Partial<Facets> = session.facets;
      if (!isoImages || !residue) return expect.fail('The session has no disc images.');
      const bytes = await readFile(await build('LOST'));
      let lying = Buffer.alloc(0);
      const content = (async function* () {
        yield bytes.subarray(0, 200_000);
        // The head and more are on their way; once the file has them, the daemon dies.
        yield bytes.subarray(200_000, 300_000);
        for (let tries = 0; lying.length < 200_000 && tries < 1000; tries += 1) {
          await delay(10);
          lying = await readFile(join(ownPool, 'lost.iso'));
        }
        await own.kill();
        await own.start();
        yield bytes.subarray(300_000);
      })();
      const digest = createHash('sha256').update(bytes).digest('hex');
      await expectRefusal(isoImages.upload({ pool: 'discs', name: 'lost.iso', fileSize: bytes.length, digest, content }, calm), 'libvirt/lost');
      expect(runOfMark(lying)).toBe('LOST');
      // Whether it was taken away at once or could not be then: the journal says so, and by it, it can be.
      for (const { effect } of await effects.list(calm)) await residue.undo(effect, calm);
      expect(own.virsh('vol-list', 'discs')).not.toContain('lost.iso');
      expect(await isoImages.list(calm)).toEqual([]);
    });

    test('a disc is put into the drive of a running VM, for now and for the next start, and taken out of it', async () => {
      await using session = await open();
      const { isoImages } = session;
      const { virsh } = daemon();
      const first = await isoImages.upload(await uploadOf(await build('FIRST'), 'first.iso'), calm);
      const second = await isoImages.upload(await uploadOf(await build('SECOND'), 'second.iso'), calm);
      const id = toVMId(await defineGuest(daemon(), { name: 'reader', kind: 'deaf', devices: DRIVE }));
      expect(await isoImages.drives(id, calm)).toEqual([{ drive: 'hdc' }]);
      virsh('start', 'reader');
      expect(await isoImages.attach(id, first, calm)).toEqual({ drive: 'hdc', location: first.path });
      expect(await isoImages.drives(id, calm)).toEqual([{ drive: 'hdc', location: first.path }]);
      for (const at of [[], ['--inactive']]) {
        expect(virsh('domblklist', 'reader', ...at)).toContain(first.path);
        expect(virsh('dumpxml', 'reader', ...at)).toContain('<serial>DRIVE1</serial>');
      }
      // What QEMU itself has in the drive.
      expect(virsh('qemu-monitor-command', 'reader', '--hmp', 'info block')).toContain(first.path);
      await expectRefusal(isoImages.delete(first, calm), 'volume/in-use');
      await isoImages.attach(id, first, calm);
      await isoImages.attach(id, second, calm);
      expect(virsh('domblklist', 'reader')).toContain(second.path);
      await isoImages.delete(first, calm);
      await isoImages.detach(id, { ...calm, drive: 'hdc' });
      await isoImages.detach(id, calm);
      expect(virsh('domblklist', 'reader')).not.toContain('.iso');
      expect(virsh('domblklist', 'reader', '--inactive')).not.toContain('.iso');
      expect(await isoImages.drives(id, calm)).toEqual([{ drive: 'hdc' }]);
      await expectRefusal(isoImages.attach(id, second, { ...calm, drive: 'sdx' }), 'vm/no-drive');
      await expectRefusal(isoImages.detach(id, { ...calm, drive: 'sdx' }), 'vm/no-drive');
      await expectRefusal(isoImages.attach(id, first, calm), 'volume/not-found');
      await expectRefusal(isoImages.attach(toVMId('00000000-0000-4000-8000-000000000000'), second, calm), 'vm/not-found');
      virsh('destroy', 'reader');
      await isoImages.delete(second, calm);
    });

    test('a stopped VM without a drive is given one, one that runs is not, and what is no disc is put into none', async () => {
      await using session = await open();
      const { isoImages } = session;
      const { virsh } = daemon();
      const image = await isoImages.upload(await uploadOf(await build('DISC'), 'disc.iso'), calm);
      const id = toVMId(await defineGuest(daemon(), { name: 'bare', kind: 'deaf' }));
      virsh('start', 'bare');
      await expectRefusal(isoImages.attach(id, image, calm), 'vm/no-drive');
      virsh('destroy', 'bare');
      virsh('vol-create-as', 'discs', 'blank.raw', '1M', '--format', 'raw');
      await expectRefusal(isoImages.attach(id, { pool: 'discs', name: 'blank.raw' }, calm), 'image/malformed');
      expect(await isoImages.drives(id, calm)).toEqual([]);
      const { drive } = await isoImages.attach(id, image, calm);
      expect(virsh('domblklist', 'bare')).toMatch(new RegExp(`${drive}\\s+${image.path}`));
      virsh('start', 'bare');
      expect(virsh('qemu-monitor-command', 'bare', '--hmp', 'info block')).toContain(image.path);
      await isoImages.detach(id, calm);
      virsh('destroy', 'bare');
      expect(virsh('domblklist', 'bare')).not.toContain(image.path);
    });
  },
);

interface Opened extends AsyncDisposable {
  readonly journal: MemoryEffectJournal;
  readonly run: string;
  readonly isoImages: IsoImages;
  readonly residue: Residue;
}
