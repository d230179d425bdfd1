/** How much of a copy was read again and found equal. */
export const describeReadBack = (percent: number, leaves: number): string =>
  `${percent === 100 ? 'in full' : `${percent}%`} and equal (${leaves} ${leaves === 1 ? 'leaf' : 'leaves'})`;
