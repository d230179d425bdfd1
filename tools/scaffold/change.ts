import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One file as it will be. */
export interface Change {
  readonly path: string;
  readonly text: string;
}

/** What a scaffold may ask of the repository before it writes anything. */
export interface Ground {
  exists(path: string): boolean;
  read(path: string): string;
}

export const groundOf = (root: string): Ground => ({
  exists: (path) => existsSync(join(root, path)),
  read: (path) => readFileSync(join(root, path), 'utf8'),
});

export function apply(root: string, changes: readonly Change[]): void {
  for (const { path, text } of changes) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Changes that see each other, kept back until all of them are known to be possible. */
export class Draft implements Ground {
  readonly #ground: Ground;
  readonly #texts = new Map<string, string>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  exists(path: string): boolean {
    return this.#texts.has(path) || this.#ground.exists(path);
  }

  read(path: string): string {
    return this.#texts.get(path) ?? this.#ground.read(path);
  }

  write(path: string, text: string): void {
    this.#texts.set(path, text);
  }

  /** Puts text before the first match of a place that must be there: code moves, and a scaffold that misses its place must say so. */
  insert(path: string, place: RegExp, text: string): void {
    const before = this.read(path);
    const at = before.search(place);
    if (at < 0) throw new Error(`${path} has no place like ${String(place)} any more: change the scaffold with it.`);
    this.write(path, `${before.slice(0, at)}${text}${before.slice(at)}`);
  }

  get changes(): readonly Change[] {
    return [...this.#texts].map(([path, text]) => ({ path, text }));
  }
}
