/** XFS and Btrfs, by the magic numbers of statfs(2). */
const SHARING_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x58465342, 0x9123683e]);

/** Whether files of a file system of this type may lie in the same blocks, so that a copy takes neither time nor room. */
export const sharesBlocks = (type: number): boolean => SHARING_FILE_SYSTEMS.has(type);
