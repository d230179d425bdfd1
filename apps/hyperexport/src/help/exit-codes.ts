/** What a script can tell from the end of a command. */
export const exitCodes = [
  [0, 'done'],
  [1, 'different'],
  [64, 'wrong usage'],
  [65, 'bad input'],
  [66, 'not found'],
  [69, 'not available'],
  [70, 'a defect of hyperexport'],
  [73, 'the target exists or cannot be made'],
  [74, 'reading or writing failed'],
  [75, 'try again later: busy, full, changed'],
  [76, 'a server breaks its protocol'],
  [77, 'not permitted'],
  [78, 'the own key cannot be used'],
  [130, 'stopped; "hyperexport resume" goes on'],
] as const satisfies readonly (readonly [code: number, meaning: string])[];
