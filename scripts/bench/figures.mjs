import { ratioOf, spreadOf } from './spread.mjs';

/** Wall time of each program. */
export function timeFigures(outcomes) {
  return Object.entries(outcomes).map(([program, runs]) => ({
    program,
    name: 'wall time',
    unit: 's',
    ...spreadOf(secondsOf(runs)),
  }));
}

/** How many times the first program's wall time is the second's. */
export function timeRatio(outcomes, [first, second], aim) {
  const ratio = ratioOf(secondsOf(outcomes[first]), secondsOf(outcomes[second]));
  return { name: `time: ${first} / ${second}`, unit: '', ...ratio, ...judge(ratio.value, aim) };
}

/** What a point costs a program: wall time by points. */
export function timeOfPoint(program, outcomes, points, aim) {
  const cost = spreadOf(secondsOf(outcomes[program]).map((seconds) => (seconds / points) * 1e6));
  const { median, min, max } = cost;
  return { name: `time of a point: ${program}`, unit: 'µs', value: median, min, max, ...judge(median, aim) };
}

/** Peak memory of each program: of each of its processes, of the largest one and of all together. */
export function memoryFigures(outcomes) {
  return Object.entries(outcomes).flatMap(([program, runs]) => {
    const peaks = runs.map(({ processes }) => processes.map(({ peakBytes }) => peakBytes / 1e6));
    const add = (name, values) => ({ program, name, unit: 'MB', ...spreadOf(values) });
    return [
      ...[...peaksByName(runs)].map(([name, values]) => add(`peak of ${name}`, values)),
      add('peak, largest process', largestOf(peaks)),
      add(
        'sum of peaks',
        peaks.map((values) => values.reduce((sum, value) => sum + value, 0)),
      ),
    ];
  });
}

/** The largest process of any run, because an aim for each process holds for every run. */
export function memoryAim(program, runs, aim) {
  const largest = largestOf(runs.map(({ processes }) => processes.map(({ peakBytes }) => peakBytes / 1e6)));
  const { median, min, max } = spreadOf(largest);
  return {
    name: `memory: largest ${program} process of any run`,
    unit: 'MB',
    value: max,
    median,
    min,
    max,
    ...judge(max, aim),
  };
}

/** How the greatest memory of one program compares with another's. */
export function memoryRatio(outcomes, [first, second]) {
  const sums = [first, second].map((name) =>
    outcomes[name].map(({ processes }) => processes.reduce((sum, { peakBytes }) => sum + peakBytes, 0)),
  );
  return { name: `memory, sum: ${first} / ${second}`, unit: '', ...ratioOf(...sums) };
}

/** Whether all runs of all programs that have a result wrote the same bytes. */
export function sameResult(outcomes) {
  const digests = new Set(Object.values(outcomes).flatMap((runs) => runs.map(({ digest }) => digest)));
  digests.delete(undefined);
  const names = Object.keys(outcomes).filter((name) => outcomes[name][0].digest !== undefined);
  return {
    name: `result.txt of ${names.join(' and ')}, byte by byte, every run`,
    isMet: digests.size === 1,
    detail: `sha256 ${[...digests].join(', ')}`,
  };
}

// --- internal ---

function secondsOf(runs) {
  return runs.map(({ seconds }) => seconds);
}

function largestOf(peaks) {
  return peaks.map((values) => Math.max(...values));
}

function judge(value, aim) {
  return aim === undefined ? {} : { aim, isMet: value <= aim };
}

/** Processes of the same name are told apart by rank, the largest first: their order of start may vary. */
function peaksByName(runs) {
  const peaks = new Map();
  for (const { processes } of runs) {
    const ranks = new Map();
    for (const { name, isRoot, peakBytes } of [...processes].sort((a, b) => b.peakBytes - a.peakBytes)) {
      const rank = isRoot ? 0 : (ranks.get(name) ?? 0) + 1;
      if (!isRoot) ranks.set(name, rank);
      const label = isRoot ? `${name} (parent)` : `${name} (child ${rank})`;
      peaks.set(label, [...(peaks.get(label) ?? []), peakBytes / 1e6]);
    }
  }
  return peaks;
}
