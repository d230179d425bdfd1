import type { Cancel, Screenshot } from '@hypersdk/ports';
import { measurePng, parsePixmap, toPng } from '@hypersdk/wire';
import { type Domain, procedures } from '../rpc/procedures.ts';
import { malformed, misbehaves } from '../rpc/refusals.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';

/** The pixmap of a screen of 5120 x 2880 has 44 MB. */
const SCREENSHOT_SIZE_MAX = 64 * 1024 * 1024;

/** Whatever opens streams. */
export type StreamOpener = Pick<RpcClient, 'open'>;

/** Since QEMU 7.1 a screen comes as PNG, and as a pixmap before; what else says to be one of the two is not handed on. */
export async function readScreenshot(opener: StreamOpener, domain: Domain, { signal }: Cancel): Promise<Screenshot> {
  using channel = await opener.open(procedures.domainScreenshot, { domain, screen: 0, flags: 0 }, { signal });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of channel.pieces(signal)) {
    if (piece.kind === 'hole') throw malformed('leaves a hole in a picture');
    size += piece.bytes.length;
    if (size > SCREENSHOT_SIZE_MAX) throw misbehaves('libvirt/malformed-reply', `sends a picture of more than ${SCREENSHOT_SIZE_MAX} bytes`);
    parts.push(piece.bytes);
  }
  await channel.finish({ signal });
  return toScreenshot(Buffer.concat(parts, size));
}

/** The content tells what it is; the media type that the server names is not needed for that. */
function toScreenshot(bytes: Uint8Array): Screenshot {
  const measured = measurePng(bytes);
  if (measured) return { mediaType: 'image/png', ...measured, bytes };
  const picture = parsePixmap(bytes);
  if (!picture) throw malformed('sends a screenshot that is neither a PNG nor a pixmap of a bearable size');
  return { mediaType: 'image/png', width: picture.width, height: picture.height, bytes: toPng(picture) };
}
