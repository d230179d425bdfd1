import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { malformed, toPrintable } from './refusals.ts';
import { serverError } from './procedures.ts';
import { XdrReader } from './xdr-reader.ts';

/** libvirt, `virErrorNumber`: those that call for something particular. */
export const ServerCode = {
  internal: 1,
  noSupport: 3,
  invalidArgument: 8,
  operationFailed: 9,
  systemError: 38,
  volumeExists: 90,
  malformedXml: 27,
  invalidXml: 35,
  noDomain: 42,
  authFailed: 45,
  operationDenied: 29,
  authCancelled: 79,
  noNetwork: 43,
  noPool: 49,
  noVolume: 50,
  operationInvalid: 55,
  noSnapshot: 72,
  unsupportedConfig: 67,
  rpc: 39,
  timeout: 68,
  unsupportedArgument: 74,
  unsupportedOperation: 84,
  agentUnresponsive: 86,
  busy: 87,
  accessDenied: 88,
  authUnavailable: 94,
  agentUnsynced: 97,
  noCheckpoint: 103,
  noBackup: 104,
  checkpointInconsistent: 109,
  noMetadata: 80,
} as const;

const CODES: Readonly<Record<number, ErrorCode>> = {
  [ServerCode.noSupport]: 'libvirt/unsupported',
  [ServerCode.unsupportedConfig]: 'libvirt/unsupported',
  [ServerCode.unsupportedArgument]: 'libvirt/unsupported',
  [ServerCode.unsupportedOperation]: 'libvirt/unsupported',
  [ServerCode.noDomain]: 'vm/not-found',
  [ServerCode.noSnapshot]: 'snapshot/not-found',
  [ServerCode.operationInvalid]: 'vm/wrong-state',
  [ServerCode.timeout]: 'vm/busy',
  [ServerCode.busy]: 'vm/busy',
  [ServerCode.agentUnresponsive]: 'vm/agent-absent',
  [ServerCode.agentUnsynced]: 'vm/agent-absent',
  [ServerCode.authFailed]: 'libvirt/forbidden',
  [ServerCode.authCancelled]: 'libvirt/forbidden',
  [ServerCode.authUnavailable]: 'libvirt/forbidden',
  [ServerCode.operationDenied]: 'libvirt/forbidden',
  [ServerCode.accessDenied]: 'libvirt/forbidden',
};

/** What the server answered instead of a result. Its own words stand in the message, since nobody knows better what it lacks. */
export function toServerError(payload: Uint8Array, asked: string): HyperError {
  // An error without content is how a stream is broken off.
  if (payload.length === 0) return new HyperError('libvirt/failed', `The libvirt server broke off ${asked}.`);
  const { code, domain, message } = serverError.read(new XdrReader(payload));
  if (code === 0) throw malformed('reports an error that is none');
  const words = toPrintable(message ?? '') || `it gives the error ${code}`;
  return new HyperError(CODES[code] ?? 'libvirt/failed', `libvirt could not do it (${asked}): ${words.replace(/\.$/, '')}.`, {
    detail: { libvirtCode: code, libvirtDomain: domain },
  });
}

/** Whether the server refused with one of these numbers. */
export function isRefusal(error: unknown, ...codes: readonly number[]): error is HyperError {
  return error instanceof HyperError && codes.some((code) => error.detail['libvirtCode'] === code);
}
