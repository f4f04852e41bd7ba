/** The longest that node's timers can wait, in milliseconds: 24.8 days. A longer wait would be over at once. */
export const MOST_TIMER_MS = 2 ** 31 - 1;
