import type { GuestOs } from '@hypersdk/domain';

/** An operating system, before it is said on which volume it lies. */
export type FoundSystem = Omit<GuestOs, 'volume'>;
