import { HyperError, toConnectionId, toVMId, type SourceEffect } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { describeResidue, toResidueDocument } from './describe-residue.ts';

const effect = (vm: string): SourceEffect => ({
  run: 'r',
  provider: 'libvirt',
  connection: toConnectionId('qemu:///system'),
  vm: toVMId(vm),
  kind: 'checkpoint',
  name: `checkpoint of ${vm}`,
});
const report = {
  removed: [effect('uuid-1')],
  absent: [effect('uuid-gone')],
  inUse: [],
  kept: [],
  outlived: [],
  unknown: [],
  failed: [{ effect: effect('uuid-1'), error: new HyperError('vm/busy', 'Busy.') }],
};
const shown = { wish: { dryRun: true, unknownToo: false, goneToo: false }, names: new Map([['uuid-1', 'web-01']]) };

test('a VM that is there is called by its name, and by its id once it is gone', () => {
  const text = describeResidue(report, shown);
  expect(text).toMatch(/left over +checkpoint +web-01 +checkpoint of uuid-1/);
  expect(text).toMatch(/recorded, not found +checkpoint +uuid-gone +checkpoint of uuid-gone/);
  expect(text).toMatch(/failed: Busy\. +checkpoint +web-01/);
});

test('the document has the id, and the name where there is one', () => {
  expect(toResidueDocument(report, shown)).toMatchObject({
    removed: [{ vm: 'uuid-1', vmName: 'web-01' }],
    absent: [expect.not.objectContaining({ vmName: expect.anything() })],
    failed: [{ effect: { vm: 'uuid-1', vmName: 'web-01' } }],
    dryRun: true,
  });
});
