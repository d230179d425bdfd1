import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A range that was asked for. */
export interface AskedRange {
  readonly offset: number;
  readonly length: number;
  /** The whole request. */
  readonly text: string;
  /** Counts from zero, over all connections. */
  readonly index: number;
}

export type Answer = string | Buffer | ((socket: Socket) => void);

export interface HostileWebServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly string[];
  readonly connections: number;
}

/** A web server that says to each request what it is told to say, true or not. */
export async function startHostileWebServer(answer: (asked: AskedRange) => Answer): Promise<HostileWebServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let held = '';
    socket.on('data', (bytes) => {
      held += bytes.toString('latin1');
      for (let end = held.indexOf('\r\n\r\n'); end >= 0; end = held.indexOf('\r\n\r\n')) {
        const text = held.slice(0, end);
        held = held.slice(end + 4);
        const [, first = '0', last = '0'] = /Range: bytes=(\d+)-(\d+)/.exec(text) ?? [];
        const said = answer({ offset: Number(first), length: Number(last) - Number(first) + 1, text, index: requests.push(text) - 1 });
        if (typeof said === 'function') said(socket);
        else socket.write(said);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/disk.raw`,
    requests,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The fields of an honest answer; any of them may be said otherwise, or left out. */
export function partHead(
  { offset, length }: Pick<AskedRange, 'offset' | 'length'>,
  o: { readonly size: number; readonly fields?: Readonly<Record<string, string | undefined>>; readonly status?: string },
): string {
  const fields = {
    'Content-Range': `bytes ${offset}-${offset + length - 1}/${o.size}`,
    'Content-Length': String(length),
    ETag: '"one"',
    ...o.fields,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [o.status ?? 'HTTP/1.1 206 Partial Content', ...lines, '\r\n'].join('\r\n');
}
