// libvirt, "RPC infrastructure" and the remote protocol: what is said before the first question.
import { userInfo } from 'node:os';
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { logIn } from './log-in.ts';
import type { LibvirtConfig } from './libvirt-config.ts';
import { type LibvirtAddress, parseLibvirtUri } from './libvirt-uri.ts';
import { openLink } from './open-link.ts';
import { explainSsh } from './open-ssh-link.ts';
import { procedures } from './rpc/procedures.ts';
import { misbehaves } from './rpc/refusals.ts';
import { RpcClient } from './rpc/rpc-client.ts';

/** From the first byte to the open connection; ssh may have to ask several machines on its way. */
const OPEN_MS = 60_000;
/** VIR_DRV_FEATURE_PROGRAM_KEEPALIVE. */
const FEATURE_KEEPALIVE = 10;
/** VIR_CONNECT_RO. */
const OPEN_READ_ONLY = 1;

/** An open connection to a libvirt server, and what was learned on the way. */
export interface LibvirtConnection extends AsyncDisposable {
  readonly client: RpcClient;
  readonly address: LibvirtAddress;
  /** As libvirt counts: 9 000 000 is 9.0.0. */
  readonly version: number;
  readonly hostname: string;
  /** Of the server, where the network leads to it. */
  readonly remoteAddress?: string;
}

export async function openConnection(config: LibvirtConfig, { signal: stop }: Cancel): Promise<LibvirtConnection> {
  stop.throwIfAborted();
  const address = parseLibvirtUri(config.uri, { ...surroundings(), isReadOnly: config.readOnly });
  const deadline = AbortSignal.timeout(OPEN_MS);
  const signal = AbortSignal.any([stop, deadline]);
  let client: RpcClient | undefined;
  try {
    const link = await openLink(address, config, { signal });
    client = new RpcClient(link);
    const { remoteAddress } = link;
    return { ...(await greet(client, { address, config, signal })), ...(remoteAddress === undefined ? {} : { remoteAddress }) };
  } catch (error) {
    client?.[Symbol.dispose]();
    stop.throwIfAborted();
    if (deadline.aborted) throw misbehaves('libvirt/timeout', `did not open a connection within ${OPEN_MS / 1000} s`, { cause: error });
    throw explained(error, address);
  }
}

async function greet(
  client: RpcClient,
  { address, config, signal }: Cancel & { readonly address: LibvirtAddress; readonly config: LibvirtConfig },
): Promise<LibvirtConnection> {
  await logIn(client, { config, signal });
  await client.call(procedures.connectOpen, { name: address.localUri, flags: config.readOnly ? OPEN_READ_ONLY : 0 }, { signal });
  const [{ isSupported }, { version }, { hostname }] = await Promise.all([
    client.call(procedures.supportsFeature, { feature: FEATURE_KEEPALIVE }, { signal }),
    client.call(procedures.getLibVersion, {}, { signal }),
    client.call(procedures.getHostname, {}, { signal }),
  ]);
  if (isSupported === 1) client.keepAlive();
  return { client, address, version: Number(version), hostname, [Symbol.asyncDispose]: () => close(client) };
}

/** A server that does not take the farewell is left without it. */
async function close(client: RpcClient): Promise<void> {
  if (client.failure) return;
  await client.call(procedures.connectClose, {}, { signal: AbortSignal.timeout(1000) }).catch(() => {});
  client[Symbol.dispose]();
}

/** What ended a link on the way is better told by what carried it. */
function explained(error: unknown, { transport }: LibvirtAddress): unknown {
  const carried = transport.kind === 'ssh' && error instanceof HyperError ? explainSsh(error.cause, transport.host) : undefined;
  return carried ?? error;
}

function surroundings(): { readonly runtimeFolder?: string; readonly isRoot: boolean } {
  const runtimeFolder = process.env['XDG_RUNTIME_DIR'];
  return { ...(runtimeFolder === undefined ? {} : { runtimeFolder }), isRoot: userInfo().uid === 0 };
}
