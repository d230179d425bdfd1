export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** `127.0.0.1:10809`, `[::1]:10809`, `disks.example:10809`. What it throws is shown behind the flag's name. */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > PORT_MAX) throw new Error('it must be a host and a port such as 127.0.0.1:10809.');
  return { host, port };
}

/** Whether only this machine can connect. */
export const isLocal = ({ host }: ListenAddress): boolean => /^127\.|^::1$|^localhost$/i.test(host);
