const STDERR = ' The end of its stderr: ';

/**
 * An error in one line: the first of it and, of a command, what stands last on its stderr. A language's own words come
 * after the message only as the places of a backtrace and hints about it, which are passed over.
 */
export function errorLine(error: string): string {
  const [head = '', ...tail] = error.split(STDERR);
  const [first = ''] = head.split('\n');
  const last = lastWords(tail.join(STDERR));
  return last === undefined ? first : `${first} Its stderr ends: ${last}`;
}

// --- internal ---

/** Of gfortran, Julia, R, Rust, Java and node, in this order. */
const BACKTRACE: readonly RegExp[] = [
  /^#\d+\s|^Error termination\./,
  /^\[\d+\]\s|^@\s|^in expression starting at\s|^Stacktrace:/,
  /^Execution halted$|^Calls:\s|^In addition:\s/,
  /^note:\s/,
  /^at\s|^\.\.\. \d+ more$/,
  /^Node\.js v\d/,
];

function lastWords(stderr: string): string | undefined {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.findLast((line) => !BACKTRACE.some((pattern) => pattern.test(line))) ?? lines.at(-1);
}
