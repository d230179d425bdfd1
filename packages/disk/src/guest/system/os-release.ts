// os-release(5): lines of NAME=VALUE, quoted as a shell would read them.
import type { FileTree } from '../files/file-tree.ts';
import { openPath, readWhole } from '../files/file-tree.ts';
import type { FoundSystem } from './found-system.ts';

/** The second is what the first usually links to, the rest is what distributions had before there was a standard. */
const PATHS = ['/etc/os-release', '/usr/lib/os-release'] as const;
const OLD_PATHS = ['/etc/redhat-release', '/etc/SuSE-release', '/etc/alpine-release', '/etc/debian_version'] as const;
/** The longest known has 700 bytes. */
const FILE_SIZE_MAX = 64 * 1024;
const TEXT_LENGTH_MAX = 256;

export function findLinux(tree: FileTree): FoundSystem | undefined {
  for (const path of PATHS) {
    const text = readText(tree, path);
    if (text !== undefined) return parseOsRelease(text);
  }
  for (const path of OLD_PATHS) {
    const line = readText(tree, path)?.split('\n')[0]?.trim().slice(0, TEXT_LENGTH_MAX);
    if (line) return { family: 'linux', name: path === '/etc/debian_version' ? `Debian ${line}` : line };
  }
  return undefined;
}

function readText(tree: FileTree, path: string): string | undefined {
  const node = openPath(tree, path);
  return node?.kind === 'file' ? readWhole(node.content, FILE_SIZE_MAX, path).toString('utf8') : undefined;
}

export function parseOsRelease(text: string): FoundSystem {
  const fields = new Map(text.split('\n').flatMap((line) => parseLine(line) ?? []));
  const version = fields.get('VERSION_ID');
  const id = fields.get('ID');
  // The defaults that os-release(5) names.
  const name = fields.get('PRETTY_NAME') ?? [fields.get('NAME') ?? 'Linux', fields.get('VERSION') ?? version ?? ''].join(' ').trim();
  return { family: 'linux', name, ...(id === undefined ? {} : { id }), ...(version === undefined ? {} : { version }) };
}

function parseLine(line: string): readonly (readonly [string, string])[] | undefined {
  const match = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const value = unquote(match[2].trim()).slice(0, TEXT_LENGTH_MAX);
  return value === '' ? undefined : [[match[1], value]];
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (!quoted) return text.replaceAll(/\\(.)/g, '$1');
  return quoted[1] === "'" ? (quoted[2] ?? '') : (quoted[2] ?? '').replaceAll(/\\([\\"$`])/g, '$1');
}
