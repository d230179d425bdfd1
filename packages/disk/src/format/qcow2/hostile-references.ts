import { all, BIT, broken, COMPRESSED, EXTENSION, extension, FIELD, FIELD_V3, l2, u32, u64, type Break, type HostileQcow2 } from './edit-qcow2.ts';

function backing(name: string, format: string | undefined): Break {
  return (image) => {
    if (format !== undefined) extension(EXTENSION.backingFormat, Buffer.from(format))(image);
    image.bytes.write(name, 2048);
    all(u64(FIELD.backing, 2048n), u32(FIELD.backingLength, Buffer.byteLength(name)))(image);
  };
}

const dataFile = (name: string): Break => all(u64(FIELD_V3.incompatible, BIT.dataFile), extension(EXTENSION.dataFile, Buffer.from(name)));

const beside = (message: string): Pick<HostileQcow2, 'code' | 'message' | 'references'> => ({
  code: 'image/refused-reference',
  message,
  references: 'beside',
});

/** Test only: names of other files that must not be opened, for `hostile-qcow2s.ts`. */
export const hostileReferences = (): HostileQcow2[] => [
  broken(
    'a backing file',
    { code: 'image/refused-reference', message: 'refers to the file "base.qcow2", and images may not' },
    backing('base.qcow2', 'qcow2'),
  ),
  broken(
    'an external data file',
    { code: 'image/refused-reference', message: 'refers to the file "disk.raw", and images may not' },
    dataFile('disk.raw'),
  ),
  broken(
    'an external data file without a name',
    { code: 'image/unsupported', message: 'that it does not name' },
    u64(FIELD_V3.incompatible, BIT.dataFile),
  ),
  broken('a backing file in another folder', beside('refers to "/etc/shadow", and only plain names'), backing('/etc/shadow', 'raw')),
  broken('a backing file in the folder above', beside('refers to "..", and only plain names'), backing('..', 'raw')),
  broken('a backing file with a zero byte', beside('refers to "base\\u0000.raw", and only plain names'), backing('base\0.raw', 'raw')),
  broken(
    'a backing file as JSON',
    beside('refers to "json:{\\"driver\\":\\"file\\"}", which QEMU takes as a protocol'),
    backing('json:{"driver":"file"}', 'raw'),
  ),
  broken('a backing file over NBD', beside('refers to "nbd:unix'), backing('nbd:unix:/run/x', 'raw')),
  broken('a backing file over HTTP', beside('refers to "http://'), backing('http://localhost/x', 'raw')),
  broken('a data file as JSON', beside('refers to "json:{}", which QEMU takes as a protocol'), dataFile('json:{}')),
  broken('a data file in another folder', beside('refers to "../disk.raw", and only plain names'), dataFile('../disk.raw')),
  broken(
    'a backing file without a format',
    { code: 'image/unsupported', message: 'formats are not guessed', references: 'beside' },
    backing('base.img', undefined),
  ),
  broken(
    'a backing file of an unknown format',
    { code: 'image/unsupported', message: 'has the format "host_device"', references: 'beside' },
    backing('base.img', 'host_device'),
  ),
  broken('a backing file that is the image itself', beside('refers to the file "self", which is in its own chain'), backing('self', 'qcow2')),
  broken('an external data file that is the image itself', beside('refers to the file "self", which is in its own chain'), dataFile('self')),
  broken(
    'a compressed cluster beside a data file',
    { message: 'although there is an external data file', references: 'beside' },
    all(
      dataFile('disk.raw'),
      l2(() => COMPRESSED | 20480n),
    ),
  ),
  broken(
    'a cluster elsewhere in a data file',
    { message: 'of the external data file instead of 0', references: 'beside' },
    all(
      dataFile('disk.raw'),
      l2(() => 20480n),
    ),
  ),
];
