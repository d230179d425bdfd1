import { readFileSync } from 'node:fs';

/** Who did it, for manifests and receipts. */
export const tool = { name: 'hyperexport', version: readVersion() } as const;

function readVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : '0.0.0';
}
