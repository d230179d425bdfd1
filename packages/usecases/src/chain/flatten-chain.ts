import { HyperError } from '@hypersdk/domain';
import type { ImageInspector, ImageSettings, Watch } from '@hypersdk/ports';
import { exportVM } from '../export/export-vm.ts';
import type { ExportOutcome, ExportPorts, ExportProgress, ExportRequest } from '../export/export-types.ts';
import { chainSession } from './chain-session.ts';
import { readLinks } from './read-links.ts';

export interface FlattenRequest extends Pick<ExportRequest, 'verifyPercent' | 'rateLimit' | 'parallel' | 'restart'> {
  /** Folder of the link in the target. */
  readonly link: string;
  /** Folder of the full export to make; `nextLinkName` finds one. */
  readonly name: string;
  readonly settings: ImageSettings;
}

type FlattenPorts = ExportPorts & { readonly inspector: ImageInspector };

/**
 * Makes a full export of a link at the target, without the source: the disks as they were then, with the roots that were recorded, or nothing. It counts as an
 * export of the same VM at the same point in time, so that later increments may lie on it. After a kill the same request goes on.
 */
export const flattenChain =
  (ports: FlattenPorts) =>
  async (request: FlattenRequest, o: Watch<ExportProgress>): Promise<ExportOutcome> => {
    const { link: linkName, name, settings, ...choices } = request;
    const { links } = await readLinks(ports.target, o);
    const head = links.find((link) => link.name === linkName);
    if (!head) throw new HyperError('source/not-found', `There is no complete export ${linkName} here.`);
    if (head.manifest.mode !== 'incremental') throw new HyperError('usage/invalid', `${linkName} is a full export already.`);
    const { vm, exportId } = head.manifest;
    const session = chainSession(ports, links, head);
    const flattenedFrom = { exportId, export: linkName };
    return exportVM(ports)({ ...choices, session, vm: vm.id, name, settings, overwrite: false, flattenedFrom }, o);
  };
