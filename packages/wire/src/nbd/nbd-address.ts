/** Where a server listens. */
export type NbdAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** For people. */
export const placeOf = (address: NbdAddress): string =>
  'path' in address ? address.path : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;

/** Whether an address of a connected socket is this machine's own loopback. */
export const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/.test(address);
