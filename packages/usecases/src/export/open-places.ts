import type { Cancel } from '@hypersdk/ports';
import type { Places } from './export-types.ts';

/** Places for `count` disks at a time, given in the order in which they are asked for. */
export function openPlaces(count: number): Places {
  let free = count;
  const waiting = new Set<() => void>();
  const give = (): Disposable => {
    let isHeld = true;
    return {
      [Symbol.dispose]() {
        if (!isHeld) return;
        isHeld = false;
        const [next] = waiting;
        if (!next) free += 1;
        next?.();
      },
    };
  };
  return {
    count,
    take({ signal }: Cancel) {
      return new Promise<Disposable>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (free > 0) {
          free -= 1;
          return resolve(give());
        }
        const leave = (): void => {
          waiting.delete(enter);
          reject(signal.reason);
        };
        const enter = (): void => {
          waiting.delete(enter);
          signal.removeEventListener('abort', leave);
          resolve(give());
        };
        waiting.add(enter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
  };
}
