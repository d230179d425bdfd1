/** What a confined program may touch, as absolute paths. What is not there is left out. */
export interface ConfinementRules {
  /** Folders and files whose programs it may run and whose content it may read. */
  readonly run: readonly string[];
  /** Files that it may read. */
  readonly read: readonly string[];
  /** Folders in which it may do anything, and devices that it may use. */
  readonly write: readonly string[];
}
