export { LocalFolderTarget } from './target/local/local-folder-target.ts';
export { FileSigner } from './signer/ed25519/file-signer.ts';
export { SystemClock } from './clock/system/system-clock.ts';
export { UlidIds } from './ids/ulid/ulid-ids.ts';
export { JsonlHistory } from './history/jsonl/jsonl-history.ts';
export { openQemuBootProver } from './boot-prover/qemu/open-qemu-boot-prover.ts';
export { openVirtV2vConverter } from './guest-converter/virt-v2v/open-virt-v2v-converter.ts';
