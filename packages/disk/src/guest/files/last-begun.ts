/**
 * The index of the last piece that begins at or before a place, -1 when none does; the beginnings rise. By halving, because a hostile file has as many
 * pieces as it may, and none of them need be read.
 */
export function lastBegun(starts: readonly number[], place: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((starts[middle] ?? 0) <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
