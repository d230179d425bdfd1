/** Leaves remembered between two flushes: 16 GiB of disk, far more than a copy has in flight. */
const PLACES_MAX = 4096;

/**
 * Remembers what the layout was before each of the leaves placed last, because a flush may speak of fewer leaves than were placed.
 * A copy that resumes from there places them again at the very same offsets.
 */
export class PlaceHistory<State> {
  #places: { readonly leaf: number; readonly before: State }[] = [];

  record(leaf: number, before: State): void {
    if (this.#places.length >= PLACES_MAX) this.#places = this.#places.slice(PLACES_MAX / 2);
    this.#places.push({ leaf, before });
  }

  /** The state when no leaf from `leaves` on was placed; `now` when none was. Forgets what lies before. */
  stateAt(leaves: number, now: State): State {
    this.#places = this.#places.filter(({ leaf }) => leaf >= leaves);
    return this.#places[0]?.before ?? now;
  }
}
