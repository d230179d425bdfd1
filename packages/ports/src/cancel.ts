/** Every call that can take time can be called off. A cancelled call rejects with the signal's reason and leaves nothing half done behind. */
export interface Cancel {
  readonly signal: AbortSignal;
}
