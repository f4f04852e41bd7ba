/** Into how many bins a time series is cut: more would be shorter, and fewer would give a less certain error. */
export const BINS = 32;

/**
 * The mean of a time series and its standard error by binning: the series is cut into consecutive bins, and the error
 * is that of the mean of the bins' means, as if these were independent. They nearly are where a bin is much longer
 * than the correlation time, so the error includes the correlation between neighbouring values; see H. Flyvbjerg and
 * H. G. Petersen, J. Chem. Phys. 91, 461 (1989). The error itself is uncertain by 1 / √(2 · 31), or 13 %.
 * @param series at least as many values as bins
 */
export function binnedMean(series: Float64Array): [mean: number, standardError: number] {
  const mean = average(series);
  let scatter = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const start = Math.floor((bin * series.length) / BINS);
    const end = Math.floor(((bin + 1) * series.length) / BINS);
    scatter += (average(series.subarray(start, end)) - mean) ** 2;
  }
  return [mean, Math.sqrt(scatter / (BINS * (BINS - 1)))];
}

// --- internal ---

function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
