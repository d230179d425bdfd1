import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { FileSigner, JsonlHistory, LocalFolderTarget, openQemuBootProver, openVirtV2vConverter, SystemClock, UlidIds } from '@hypersdk/adapters';
import { archiver, checkSettings, imageInspector, nbdDisks, nbdDiskServer, openTransfer, webImages } from '@hypersdk/disk';
import type { BootProver, ExportFiller, Transfer } from '@hypersdk/ports';
import { stateFolder } from './config.ts';
import { makeStateFolder } from './make-state-folder.ts';
import { fileRunMarks } from './run-marks.ts';
import type { Services } from './services.ts';

// Small local files: opening them either works at once or never.
const OPEN_TIMEOUT_MS = 10_000;

/** Names the concrete adapters. Nothing is opened before it is asked for, so that looking at an image leaves no trace. */
export function openServices(): Services {
  const state = stateFolder(process.env);
  const keyPath = join(state, 'keys', 'receipts.pem');
  const clock = new SystemClock();
  const opened = new AsyncDisposableStack();
  let transfer: (Transfer & ExportFiller) | undefined;
  let signer: Promise<FileSigner> | undefined;
  let bootProver: Promise<BootProver> | undefined;
  const openSigner = async (): Promise<FileSigner> => {
    await makeStateFolder(dirname(keyPath));
    return FileSigner.open(keyPath, { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) });
  };
  return {
    clock,
    ids: new UlidIds(clock),
    inspector: imageInspector,
    checkSettings,
    archiver,
    remotes: nbdDisks,
    webImages,
    diskServer: nbdDiskServer,
    runs: fileRunMarks(join(state, 'running')),
    registry: async () => (await import('@hypersdk/providers')).registry,
    async history() {
      await makeStateFolder(state);
      return JsonlHistory.open(join(state, 'history.jsonl'), { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) });
    },
    async effects() {
      const folder = join(state, 'effects');
      await makeStateFolder(folder);
      const { openEffectJournal } = await import('@hypersdk/usecases');
      return openEffectJournal(opened.use(await LocalFolderTarget.open(folder)));
    },
    transfer: ({ workers }) => (transfer ??= opened.use(openTransfer(workers === undefined ? {} : { workers }))),
    publicKeyPath: `${keyPath}.pub`,
    copyKeys: join(state, 'copy-keys'),
    signer: () => (signer ??= openSigner()),
    ownKey: async () => (existsSync(keyPath) ? (signer ??= openSigner()) : undefined),
    checkPackage: async (path, o) => (await import('@hypersdk/providers')).checkPackageAt(path, o),
    target: async (folder) => opened.use(await LocalFolderTarget.open(folder)),
    guestConverter: ({ unsandboxed }) => openVirtV2vConverter({ searchPath: (process.env['PATH'] ?? '').split(delimiter), unsandboxed }),
    bootProver: ({ unsandboxed }) => (bootProver ??= openQemuBootProver({ searchPath: (process.env['PATH'] ?? '').split(delimiter), unsandboxed })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
