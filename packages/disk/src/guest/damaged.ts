import { HyperError } from '@hypersdk/domain';

/** A structure on the disk that cannot be what it claims. Whoever looks at a volume turns it into a finding; it never ends a look. */
export const damaged = (why: string): HyperError => new HyperError('image/malformed', `${capital(why)}.`);

/** A structure that is sound as far as one can see, but not read here. */
export const notRead = (why: string): HyperError => new HyperError('image/unsupported', `${capital(why)}.`);

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
