/** More threads than any machine has cores for; what is asked beyond is a slip of the keyboard. */
export const WORKERS_MAX = 256;

/** Disks moved at once: more only wait for the same budget of buffers. */
export const PARALLEL_MAX = 64;

/** Runs that `history` shows and `resume` looks through. */
export const HISTORY_MAX = 1_000;

/** Seconds for one start of a guest: current systems are up within a minute under KVM, within five when emulated. */
export const BOOT_SECONDS = 300;
export const BOOT_SECONDS_MAX = 7_200;

/** Seconds for the conversion of a guest: virt-v2v takes one to three minutes under KVM, and ten times that emulated. */
export const CONVERSION_SECONDS = 1_800;
export const CONVERSION_SECONDS_MAX = 86_400;
