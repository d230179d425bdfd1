/** How much of a copy was read again and found equal. */
export const describeReadBack = (percent: number, leaves: number): string =>
  leaves === 0
    ? 'nothing was copied, so there was nothing to read'
    : `${percent === 100 ? 'in full' : `${percent}%`} and equal (${leaves} ${leaves === 1 ? 'leaf' : 'leaves'})`;
