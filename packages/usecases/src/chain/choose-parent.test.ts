import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linkCalled, SIZE, vmCalled } from './build-links.ts';
import { LINK_COUNT_MAX, type ChainLink } from './chain-link.ts';
import { chooseParent } from './choose-parent.ts';

const vm = vmCalled('web-01');
const [disk] = vm.disks;
if (!disk) throw new Error('the VM has no disk');
const full = linkCalled('web-01', { minute: 1 });
const first = linkCalled('web-01.0001', { minute: 2, parent: full });
const second = linkCalled('web-01.0002', { minute: 3, parent: first });

const choose = (links: readonly ChainLink[]): string => {
  const choice = chooseParent(links, vm, disk);
  return 'chain' in choice ? choice.chain.map(({ link }) => link.name).join(' ') : choice.reason;
};

describe('the parent of an increment', () => {
  test('is the end of the chain, with all that it lies on, in whatever order the exports are found', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([full, first, second], { minLength: 3 }), (links) => {
        expect(choose(links)).toBe('web-01 web-01.0001 web-01.0002');
      }),
    );
  });

  test('is of the same VM and disk by their ids: a newer export of another VM of the same name is none', () => {
    const namesake = linkCalled('web-01-b', { minute: 9, manifest: { vm: vmCalled('another') } });
    expect(choose([full, namesake])).toBe('web-01');
    expect(choose([namesake])).toBe('there is no earlier export of disk vda of this VM here');
    expect(choose([linkCalled('x', { minute: 1, disk: { id: 'vdb' } })])).toContain('no earlier export');
  });

  test('is not an archive, when there are images beside it', () => {
    expect(choose([full, linkCalled('web-01-ova', { minute: 9, disk: { package: 'web-01.ova' } })])).toBe('web-01');
  });

  test('is the newest of several ends, and that is said', () => {
    const again = linkCalled('web-01.0003', { minute: 4 });
    const choice = chooseParent([full, first, second, again], vm, disk);
    expect(choice).toMatchObject({ explanation: 'web-01.0003 is the last export of this disk, the newest of 2 chains' });
  });

  test.each([
    ['a link is missing', [full, second], 'web-01.0002 lies on web-01.0001, which is not there'],
    [
      'a link was replaced by a later export',
      [full, linkCalled('web-01.0001', { minute: 2, manifest: { exportId: 'new' } }), second],
      'another export',
    ],
    [
      'the parent has another root than the child says',
      [
        full,
        { ...first, manifest: { ...first.manifest, disks: first.manifest.disks.map((one) => ({ ...one, containerDigest: 'f'.repeat(64) })) } },
        second,
      ],
      'another disk-0.qcow2',
    ],
    [
      'the disk was resized',
      [linkCalled('web-01', { minute: 1, disk: { content: { ...linkContent(), virtualSize: SIZE + 512 } } })],
      `${SIZE} bytes now`,
    ],
    ['it lies in an archive', [linkCalled('web-01', { minute: 1, disk: { package: 'web-01.ova' } })], 'archive'],
  ])('is none when %s, with the reason', (_, links, reason) => {
    expect(choose(links)).toContain(reason);
  });

  test('is none when the chain is as long as readers follow', () => {
    const links = [full];
    while (links.length < LINK_COUNT_MAX)
      links.push(linkCalled(`web-01.${links.length}`, { minute: links.length + 1, parent: links.at(-1) ?? full }));
    expect(choose(links)).toContain(`has ${LINK_COUNT_MAX} links`);
    expect(choose(links.slice(0, -1))).toContain('web-01 ');
  });

  test('a circle of parents ends in a reason', () => {
    const tail = linkCalled('tail', { minute: 5, parent: linkCalled('head', { minute: 6 }) });
    expect(choose([tail, linkCalled('head', { minute: 6, parent: tail })])).toContain('circle');
  });
});

function linkContent() {
  const [only] = full.manifest.disks;
  if (!only) throw new Error('the link has no disk');
  return only.content;
}
