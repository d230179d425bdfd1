import type { HostileQcow2 } from './edit-qcow2.ts';
import { hostileEntries } from './hostile-entries.ts';
import { hostileHeaders } from './hostile-headers.ts';
import { hostileReferences } from './hostile-references.ts';

/** Test only: malformed images of every kind that we know, each made from a sound one by a small change. */
export const hostileQcow2s = (): HostileQcow2[] => [...hostileHeaders(), ...hostileEntries(), ...hostileReferences()];
