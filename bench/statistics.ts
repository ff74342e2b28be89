/** Order statistics of a sample. */

/** @throws RangeError for no values */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** First and third quartile. @throws RangeError for no values */
export function quartilesOf(values: readonly number[]): readonly [number, number] {
  return [quantileOf(values, 0.25), quantileOf(values, 0.75)];
}

/** Between two values it is interpolated. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new RangeError('a quantile of no values');
  return low + (high - low) * (at - Math.floor(at));
}
