import type { VMEvent } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface EventsRequest extends Cancel {
  /** How many events are held for a consumer that is slower than they come, at least 1. */
  readonly heldMax?: number;
}

/**
 * Events from the moment at which it was opened, in the order in which the platform told them. One consumer iterates, once. It ends when it is disposed of
 * or its session is, and fails when the platform cannot be reached any more.
 */
export interface VMEvents extends AsyncIterable<VMEvent>, AsyncDisposable {}

/** What happens to the VMs of one connection, whoever made it happen. */
export interface Events {
  /**
   * Listens when it answers: what happens from then on is told. Not told of is only what a `gap` stands for: of a consumer that lets more wait than are held, all
   * that waits is given up and one gap stands in its place; after a lost connection there is one as soon as there is a new one.
   */
  open(o: EventsRequest): Promise<VMEvents>;
}
