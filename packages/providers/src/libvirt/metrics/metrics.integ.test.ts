import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { toVMId, type VMId, type VMMetrics } from '@hypersdk/domain';
import type { Metrics } from '@hypersdk/ports';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { openConnection } from '../libvirt-connection.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { LibvirtMetrics } from './libvirt-metrics.ts';

const TIMEOUT_MS = 120_000;
const KIB = 1024;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('figures of real guests', { timeout: TIMEOUT_MS }, () => {
  const opened = new AsyncDisposableStack();
  let running: Libvirtd | undefined;

  beforeAll(async () => {
    running = opened.use(await openLibvirtd());
  });
  afterAll(() => opened.disposeAsync());

  const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
  const openMetrics = async (o: { readonly readOnly?: boolean } = {}): Promise<AsyncDisposable & { readonly metrics: Metrics }> => {
    const session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri, ...o }), calm);
    const { metrics } = session.facets;
    return { metrics: metrics ?? expect.fail('There are no metrics.'), [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
  };
  const figuresOf = async (metrics: Metrics, vm: VMId): Promise<VMMetrics> =>
    (await Array.fromAsync(metrics.sample({ ...calm, vms: [vm] })))[0] ?? expect.fail(`There are no figures of ${vm}.`);
  /** What virsh is told of the same domain. */
  const domstats = (name: string): ReadonlyMap<string, string> =>
    new Map(
      daemon()
        .virsh('domstats', '--raw', name)
        .split('\n')
        .flatMap((line) => {
          const [, field, value] = /^\s+([^=]+)=(.*)$/.exec(line) ?? [];
          return field === undefined || value === undefined ? [] : [[field, value] as const];
        }),
    );

  test('what a guest that rests has done is what virsh is told', async () => {
    await using session = await openMetrics();
    const id = toVMId(await defineGuest(daemon(), { name: 'rests', kind: 'writing', disks: ['vda', 'vdb'] }));
    daemon().virsh('start', 'rests');
    await expect
      .poll(async () => (await figuresOf(session.metrics, id)).disks[0]?.written?.requestsTotal ?? 0n, { timeout: TIMEOUT_MS / 2 })
      .toBeGreaterThan(3n);
    daemon().virsh('suspend', 'rests');
    const said = domstats('rests');
    const figures = await figuresOf(session.metrics, id);
    const counter = (field: string): bigint => BigInt(said.get(field) ?? expect.fail(`virsh tells no ${field}.`));
    expect(figures).toMatchObject({
      powerState: 'suspended',
      vcpus: [{ index: 0, timeNsTotal: counter('vcpu.0.time') }],
      memory: { maximumSize: Number(counter('balloon.maximum')) * KIB, balloonSize: Number(counter('balloon.current')) * KIB },
      disks: ['vda', 'vdb'].map((disk, at) => ({
        disk,
        read: {
          bytesTotal: counter(`block.${at}.rd.bytes`),
          requestsTotal: counter(`block.${at}.rd.reqs`),
          timeNsTotal: counter(`block.${at}.rd.times`),
        },
        written: {
          bytesTotal: counter(`block.${at}.wr.bytes`),
          requestsTotal: counter(`block.${at}.wr.reqs`),
          timeNsTotal: counter(`block.${at}.wr.times`),
        },
        flushesTotal: counter(`block.${at}.fl.reqs`),
        virtualSize: Number(counter(`block.${at}.capacity`)),
        allocatedSize: Number(counter(`block.${at}.allocation`)),
        fileSize: Number(counter(`block.${at}.physical`)),
      })),
    });
    // The guest writes 4 KiB at a time.
    expect(figures.disks[0]?.written?.bytesTotal).toBe((figures.disks[0]?.written?.requestsTotal ?? 0n) * 4096n);
    expect(figures.cpu?.timeNsTotal).toBeLessThanOrEqual(BigInt(domstats('rests').get('cpu.time') ?? 0));
    expect(figures.cpu?.timeNsTotal).toBeGreaterThan(0n);
    daemon().virsh('destroy', 'rests');
  });

  test('a domain that goes away while others are measured does no harm', async () => {
    await using session = await openMetrics();
    const [stays, goes] = [await defineGuest(daemon(), { name: 'stays', kind: 'deaf' }), await defineGuest(daemon(), { name: 'goes', kind: 'deaf' })];
    const sampling = session.metrics.sample(calm)[Symbol.asyncIterator]();
    const first = sampling.next();
    daemon().virsh('undefine', 'goes');
    const told = [(await first).value?.vm];
    for (let next = await sampling.next(); next.done !== true; next = await sampling.next()) told.push(next.value.vm);
    expect(told).toContain(toVMId(stays));
    expect((await Array.fromAsync(session.metrics.sample(calm))).map(({ vm }) => vm)).not.toContain(toVMId(goes));
  });

  test('a disk whose image is gone is told of without sizes, and who only looks may measure', async () => {
    await using session = await openMetrics({ readOnly: true });
    const id = toVMId(await defineGuest(daemon(), { name: 'lacks', kind: 'deaf', disks: ['vda', 'vdb'] }));
    execFileSync('rm', [diskPath(daemon(), 'lacks', 'vdb')]);
    const { disks } = await figuresOf(session.metrics, id);
    expect(disks[0]).toMatchObject({ disk: 'vda', virtualSize: 64 * KIB * KIB });
    expect(disks.find(({ disk }) => disk === 'vdb')?.virtualSize).toBeUndefined();
  });

  test('hundreds of domains take a few questions', async () => {
    const xml = daemon()
      .virsh('dumpxml', 'stays')
      .replace(/<uuid>.*<\/uuid>/, '')
      .replace(/<mac address=.*\/>/, '');
    const script: string[] = [];
    for (let number = 0; number < 300; number += 1) {
      const file = join(daemon().folder, `many-${number}.xml`);
      execFileSync('sh', ['-c', 'cat > "$1"', 'sh', file], { input: xml.replace('<name>stays<', `<name>many-${number}<`) });
      script.push(`define ${file}`);
    }
    daemon().virsh(script.join('; '));
    await using connection = await openConnection(libvirtProvider.parse({ uri: daemon().uri }), calm);
    let questions = 0;
    const caller: Caller = {
      call: (procedure, args, o) => {
        questions += 1;
        return connection.client.call(procedure, args, o);
      },
    };
    const all = await Array.fromAsync(new LibvirtMetrics(caller).sample(calm));
    expect(new Set(all.map(({ vm }) => vm)).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(301);
    expect(all.every(({ disks }) => disks.length > 0)).toBe(true);
    expect(questions).toBe(4);
  });
});
