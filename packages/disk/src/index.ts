export { openTransfer } from './copy/transfer.ts';
export { imageInspector } from './inspect/image-inspector.ts';
