/** Median, least and greatest of some numbers, with the numbers. */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), values };
}

/**
 * Ratio of two series: the median of each run's ratio to the one beside it, because a busy spell of the machine meets
 * both of a pair and cancels out; `ofMedians` is the ratio of the two medians, the same on a machine at rest.
 */
export function ratioOf(values, others) {
  const { median, min, max } = spreadOf(values.map((value, index) => value / others[index]));
  return { value: median, min, max, ofMedians: spreadOf(values).median / spreadOf(others).median };
}
