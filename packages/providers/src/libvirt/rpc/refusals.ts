import { HyperError, type ErrorCode } from '@hypersdk/domain';

type LibvirtCode = ErrorCode & `libvirt/${string}`;

/** A server that does not keep to the protocol, or is not there. `why` completes "The libvirt server …". */
export const misbehaves = (
  code: LibvirtCode,
  why: string,
  o: { readonly cause?: unknown; readonly detail?: Record<string, unknown> } = {},
): HyperError => new HyperError(code, `The libvirt server ${why}.`, o);

export const malformed = (why: string): HyperError => misbehaves('libvirt/malformed-reply', why);

/** Outside text for people: cut short, in one line, without what a terminal would obey. */
export const toPrintable = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\s]+/gu, ' ')
    .slice(0, 400)
    .trim();
