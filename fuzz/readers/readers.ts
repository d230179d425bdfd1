import type { FuzzReader, ListedReader } from '../engine/fuzz-reader.ts';
import type { documentReaders } from './documents.ts';

const image = (format: 'qcow2' | 'vmdk' | 'vhd' | 'vhdx' | 'vdi'): ListedReader =>
  listed(new RegExp(`/disk/src/(?:format/${format}/|format/[^/]*$)`), async () => (await import('./images.ts')).imageReader(format));

const document = (name: keyof typeof documentReaders, sources: RegExp): ListedReader =>
  listed(sources, async () => (await import('./documents.ts')).documentReaders[name]);

const MANIFESTS = /\/usecases\/src\/(?:manifest|receipt|batch)\//;

/** Everything that reads what comes from outside, and which sources are it. */
export const readers: Readonly<Record<string, ListedReader>> = {
  probe: listed(/\/disk\/src\/(?:inspect|format\/raw)\//, async () => (await import('./images.ts')).probeReader),
  qcow2: image('qcow2'),
  vmdk: image('vmdk'),
  vhd: image('vhd'),
  vhdx: image('vhdx'),
  vdi: image('vdi'),
  guest: listed(/\/disk\/src\/guest\//, async () => (await import('./guest.ts')).guestReader),
  archive: listed(/\/disk\/src\/archive\//, async () => (await import('./archive.ts')).archiveReader),
  'age-header': listed(/\/disk\/src\/age\/(?:header|file-key)/, async () => (await import('./age.ts')).ageHeaderReader),
  'age-file': listed(/\/disk\/src\/age\/(?:age-file|header|payload)/, async () => (await import('./age.ts')).ageFileReader),
  'nbd-client': listed(/\/wire\/src\/nbd\//, async () => (await import('./nbd-client.ts')).nbdClientReader),
  'nbd-list': listed(/\/wire\/src\/nbd\//, async () => (await import('./nbd-client.ts')).nbdListReader),
  'nbd-server': listed(/\/wire\/src\/nbd\//, async () => (await import('./nbd-server.ts')).nbdServerReader),
  http: listed(/\/wire\/src\/http-range\//, async () => (await import('./http.ts')).httpReader),
  'libvirt-rpc': listed(/\/libvirt\/rpc\//, async () => (await import('./libvirt-rpc.ts')).libvirtRpcReader),
  vmx: document('vmx', /\/providers\/src\/files\/(?:vmx|described)[^/]*$/),
  libvirt: document('libvirt', /\/wire\/src\/xml\/|\/files\/(?:libvirt|described)[^/]*$/),
  ovf: document('ovf', /\/wire\/src\/xml\/|\/files\/ovf\//),
  'ovf-manifest': document('ovf-manifest', /\/files\/ovf\/ovf-manifest/),
  'ovf-certificate': document('ovf-certificate', /\/files\/ovf\/ovf-manifest/),
  'export-manifest': document('export-manifest', MANIFESTS),
  'artifact-manifest': document('artifact-manifest', MANIFESTS),
  receipt: document('receipt', MANIFESTS),
  batch: document('batch', MANIFESTS),
};

function listed(sources: RegExp, load: () => Promise<FuzzReader>): ListedReader {
  return {
    load: (branches) => {
      branches?.install(sources);
      return load();
    },
  };
}
