import { randomInt } from 'node:crypto';
import { HyperError, Secret } from '@hypersdk/domain';
import type { GraphicsProtocol } from '@hypersdk/ports';
import { writeElement, type XmlElement } from '@hypersdk/wire';

/** RFC 6143, §7.2.2: a password of VNC is a key of DES, and what is longer is cut. SPICE takes 60. */
const PASSWORD_LENGTHS: Readonly<Record<GraphicsProtocol, number>> = { vnc: 8, spice: 32 };
/** Without those that people take for one another. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
/** A ticket is for somebody who is there; a day is for one who comes back to it. */
const VALID_MS_MAX = 24 * 60 * 60 * 1000;

export interface GraphicsGuard {
  readonly password: Secret;
  readonly expiresAt: string;
}

/** A password that nobody knows yet, until a moment in whole seconds, as libvirt counts them. */
export function makeGuard(protocol: GraphicsProtocol, { validForMs, nowMs }: { readonly validForMs: number; readonly nowMs: number }): GraphicsGuard {
  if (!Number.isSafeInteger(validForMs) || validForMs <= 0 || validForMs > VALID_MS_MAX)
    throw new HyperError('usage/invalid', `A ticket is valid for 1 to ${VALID_MS_MAX} milliseconds, not for ${validForMs}.`);
  const password = Array.from({ length: PASSWORD_LENGTHS[protocol] }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const seconds = Math.ceil((nowMs + validForMs) / 1000);
  return { password: new Secret(password), expiresAt: new Date(seconds * 1000).toISOString() };
}

/** The console as it is, with another password. libvirt, "Graphical framebuffers": `passwdValidTo` is UTC without saying so. */
export function guarded(element: XmlElement, { password, expiresAt }: GraphicsGuard): string {
  const guard = [
    ['passwd', password.reveal()],
    ['passwdValidTo', expiresAt.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)],
  ] as const;
  return writeElement({ ...element, attributes: new Map([...element.attributes, ...guard]) });
}
