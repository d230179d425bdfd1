import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import { toTargetError } from '../file/io-error.ts';

/**
 * Holds a target name against every other process of this machine, by binding an abstract UNIX socket named after it (unix(7)).
 * The kernel lets go of it the moment the process ends, however it ends: a lock that is held is held by someone alive.
 */
export class TargetLock implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Fails with `target/busy` when another transfer holds the name. */
  static async take(path: string): Promise<TargetLock> {
    const server = createServer((socket) => socket.destroy());
    const bound = Promise.withResolvers<void>();
    server.once('error', bound.reject);
    server.listen(lockName(path), bound.resolve);
    try {
      await bound.promise;
    } catch (cause) {
      if (systemCode(cause) !== 'EADDRINUSE') throw toTargetError(cause, path, 'locking it');
      throw new HyperError('target/busy', `${path} is being written by another transfer.`, { detail: { path }, cause });
    }
    server.unref();
    return new TargetLock(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The folder's identity rather than its spelling, so that two paths to one file give one lock. */
function lockName(path: string): string {
  try {
    const folder = statSync(dirname(path), { bigint: true });
    const key = createHash('sha256')
      .update(`${folder.dev}:${folder.ino}:${basename(path)}`)
      .digest('hex')
      .slice(0, 40);
    return `\0hypersdk-target-${key}`;
  } catch (cause) {
    throw toTargetError(cause, path, 'looking for its folder');
  }
}
