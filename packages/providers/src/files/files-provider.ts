import type { ImageInspector, ProviderModule } from '@hypersdk/ports';
import { type FilesConfig, parseFilesConfig } from './files-config.ts';
import { FilesChangedBlocks } from './files-changed-blocks.ts';
import { FilesDiskExport } from './files-disk-export.ts';
import { FilesInventory } from './files-inventory.ts';
import { Folder } from './folder.ts';

/** Disk images in a folder, or one image, as VMs. Images are looked at through `inspector` alone. */
export const filesProvider = (inspector: ImageInspector) =>
  ({
    kind: 'files',
    parse: parseFilesConfig,
    async open({ path, recursive, references }: FilesConfig, { signal }) {
      signal.throwIfAborted();
      const folder = await Folder.open(path);
      const inventory = new FilesInventory({ folder, inspector, references }, { recursive });
      return {
        facets: { inventory, diskExport: new FilesDiskExport(inventory, inspector), changedBlocks: new FilesChangedBlocks(inspector) },
        [Symbol.asyncDispose]: async () => {},
      };
    },
  }) as const satisfies ProviderModule<FilesConfig>;
