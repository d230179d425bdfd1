import type { ConversionNews } from '@hypersdk/ports';

/** What virt-v2v says on its machine-readable stream: news, or the error that it ends with. */
export type Said = ConversionNews | { readonly kind: 'error'; readonly text: string };

/** Its own messages have some hundred characters; what it passes on of the guest is not bounded by anybody else. */
const TEXT_MAX = 2000;
const KINDS: Readonly<Record<string, Said['kind']>> = { message: 'step', info: 'note', warning: 'warning', error: 'error' };

/** One line of virt-v2v(1) "Machine readable output". Anything else that appears among them is nothing that was said. */
export function readNews(line: string): Said | undefined {
  if (!line.startsWith('{')) return undefined;
  const parsed = parse(line);
  if (typeof parsed !== 'object' || parsed === null || !('message' in parsed) || !('type' in parsed)) return undefined;
  const { message, type } = parsed;
  const kind = typeof type === 'string' && Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  return kind === undefined || typeof message !== 'string' ? undefined : { kind, text: message.slice(0, TEXT_MAX) };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
