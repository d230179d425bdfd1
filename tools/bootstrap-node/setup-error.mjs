/** What a person must do before the set-up can go on, in one line. */
export class SetupError extends Error {}
