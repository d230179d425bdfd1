export { archiver } from './archive/archiver.ts';
export { readOva } from './archive/read-ova.ts';
export { openTransfer } from './copy/transfer.ts';
export { createImage } from './format/create-image.ts';
export { imageInspector } from './inspect/image-inspector.ts';
export { openSource } from './locator/open-source.ts';
export { nbdDiskServer } from './serve/nbd-disk-server.ts';
export { nbdDisks } from './remote/nbd-disks.ts';
