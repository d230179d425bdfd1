// libvirt, remote protocol: REMOTE_AUTH_LIST and what follows it.
import { readFile } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { LibvirtConfig } from './libvirt-config.ts';
import { procedures } from './rpc/procedures.ts';
import { malformed } from './rpc/refusals.ts';
import type { RpcClient } from './rpc/rpc-client.ts';
import { ScramExchange } from './scram-exchange.ts';

const AuthType = { none: 0, sasl: 1, polkit: 2 } as const;

/** A password is a line. */
const PASSWORD_SIZE_MAX = 4096;
const MECHANISM = 'SCRAM-SHA-256';

interface Wish extends Cancel {
  readonly config: LibvirtConfig;
}

/** Says who asks, in a way that the server takes. */
export async function logIn(client: RpcClient, wish: Wish): Promise<void> {
  const { types } = await client.call(procedures.authList, {}, wish);
  if (types.includes(AuthType.none) || types.length === 0) return;
  if (types.includes(AuthType.polkit)) {
    const { isComplete } = await client.call(procedures.authPolkit, {}, wish);
    if (isComplete === 0) throw new HyperError('libvirt/forbidden', 'The libvirt server did not let this user in (polkit).');
    return;
  }
  if (!types.includes(AuthType.sasl)) throw malformed(`wants a way of logging in that is not known (${types.join(', ')})`);
  await logInWithPassword(client, wish);
}

/** RFC 5802 and RFC 7677 in the envelope of RFC 4422: the password itself is never sent, and the server proves that it knows it too. */
async function logInWithPassword(client: RpcClient, wish: Wish): Promise<void> {
  const { user, passwordFile } = wish.config;
  if (user === undefined || passwordFile === undefined)
    throw new HyperError('libvirt/forbidden', 'The libvirt server wants a name and a password (SASL), and none were given.');
  const { mechanisms } = await client.call(procedures.authSaslInit, {}, wish);
  if (!mechanisms.split(/[ ,]/).includes(MECHANISM))
    throw new HyperError('libvirt/unsupported', `The libvirt server offers no ${MECHANISM} to log in with, only: ${mechanisms.slice(0, 200)}.`);

  const exchange = new ScramExchange(user, await readPassword(passwordFile));
  const first = Buffer.from(exchange.first(), 'utf8');
  let answer = await client.call(procedures.authSaslStart, { mechanism: MECHANISM, isNil: 0, data: first }, wish);
  const proof = Buffer.from(exchange.answer(Buffer.from(answer.data).toString('utf8')), 'utf8');
  answer = await client.call(procedures.authSaslStep, { isNil: 0, data: proof }, wish);
  exchange.verify(Buffer.from(answer.data).toString('utf8'));
  if (answer.isComplete === 0) answer = await client.call(procedures.authSaslStep, { isNil: 0, data: new Uint8Array(0) }, wish);
  if (answer.isComplete === 0) throw malformed('does not come to an end with logging in');
}

async function readPassword(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > PASSWORD_SIZE_MAX) throw new HyperError('usage/invalid', `${path} is too large for a password.`);
    return bytes.toString('utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof HyperError) throw cause;
    throw new HyperError('usage/invalid', `The password cannot be read from ${path}: ${systemCode(cause) ?? 'unknown'}.`, { cause });
  }
}
