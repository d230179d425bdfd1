import { HyperError } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { findAbilities } from './host-abilities.ts';

const CAPABILITIES = `<capabilities><host><cpu><arch>x86_64</arch></cpu></host>
<guest><os_type>hvm</os_type><arch name='x86_64'><wordsize>64</wordsize><machine maxCpus='255'>pc-i440fx-7.2</machine><machine canonical='pc-i440fx-7.2'>pc</machine><machine>q35</machine><domain type='qemu'/><domain type='kvm'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='aarch64'><machine>virt</machine><domain type='qemu'/></arch></guest></capabilities>`;

test('processors of the host run what they can, others are emulated', () => {
  expect(findAbilities(CAPABILITIES, undefined)).toEqual({ arch: 'x86_64', kind: 'kvm', machines: ['pc-i440fx-7.2', 'pc', 'q35'] });
  expect(findAbilities(CAPABILITIES, 'aarch64')).toEqual({ arch: 'aarch64', kind: 'qemu', machines: ['virt'] });
});

test('an architecture that the host cannot run is told', () => {
  const find = (): unknown => findAbilities(CAPABILITIES, 's390x');
  expect(find).toThrow(HyperError);
  expect(find).toThrow('no QEMU for VMs of the architecture s390x');
});
