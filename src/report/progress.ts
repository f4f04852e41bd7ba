import cliProgress from 'cli-progress';
import { performance } from 'node:perf_hooks';
import { clearScreenDown } from 'node:readline';
import { systemCode } from '../errors.js';
import type { Manifest } from '../run/manifest.js';
import { count, formatSeconds, thousands } from './duration.js';
import { tellThrough } from './tell.js';
import { watchFiles } from './watch-files.js';
import { watchRun, type BusySlot, type Progress, type WatchOptions } from './watch.js';

/** Where progress is shown; nothing else is written there meanwhile. */
export type ProgressStream = NodeJS.WriteStream;

const REDRAW_MS = 200;
const LINE_EVERY_MS = 5_000;
const MOST_SLOT_LINES = 16;
/** Characters of the bar, and of the numbers beside it. */
const MOST_BAR_CELLS = 30;
const LEAST_BAR_CELLS = 10;
const NUMBER_CELLS = 72;
/** To a terminal: lines that are too long go on in the next one, or don't. */
const WRAPPED = '\u001B[?7h';
const NOT_WRAPPED = '\u001B[?7l';

export interface ProgressOptions extends WatchOptions {
  /** Whether it is computed by a batch job, whose elements have journals of their own. */
  readonly isElsewhere?: boolean;
}

/**
 * Shows how far a run is until it is told to stop: bars on a terminal, elsewhere a line every few seconds.
 * @returns a function that ends it
 */
export function showProgress(
  directory: string,
  manifest: Manifest,
  stream: ProgressStream,
  { isElsewhere = false, ...options }: ProgressOptions = {},
): () => void {
  const look = (isElsewhere ? watchFiles : watchRun)(directory, manifest, options);
  const isTerminal = stream.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined;
  const view = isTerminal ? bars(manifest, stream) : lines(stream);
  const started = performance.now();
  const first = look();
  const update = (): void => {
    const progress = lookQuietly(look);
    if (progress === undefined) return;
    const seconds = (performance.now() - started) / 1000;
    view.update(progress, paceOf(first, progress, seconds));
  };
  const timer = setInterval(update, isTerminal ? REDRAW_MS : LINE_EVERY_MS);
  if (isTerminal) view.update(first, paceOf(first, first, 0));
  return () => {
    clearInterval(timer);
    if (isTerminal) update();
    view.close();
  };
}

/** One line that says how far a run is. */
export function progressLine({ points, done, failed }: Progress, { rate, left }: Pace): string {
  const percent = Math.floor((100 * done) / points).toFixed(0);
  return `${thousands(done)}/${count(points, 'point')} (${percent} %), ${rate}, ${left} left, ${String(failed)} failed`;
}

// --- internal ---

/** A look that fails, at a full or vanished directory say, must not end the run that it looks at. */
function lookQuietly(look: () => Progress): Progress | undefined {
  try {
    return look();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

interface Pace {
  readonly rate: string;
  readonly left: string;
}

interface View {
  update(progress: Progress, pace: Pace): void;
  close(): void;
}

function paceOf(first: Progress, now: Progress, seconds: number): Pace {
  const perSecond = seconds > 0 ? (now.done - first.done) / seconds : 0;
  return {
    rate: perSecond > 0 ? formatRate(perSecond) : '- points/s',
    left: perSecond > 0 ? formatSeconds((now.points - now.done) / perSecond) : '?',
  };
}

function formatRate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M points/s`;
  if (perSecond >= 1e3) return `${(perSecond / 1e3).toFixed(1)} k points/s`;
  if (perSecond >= 0.1) return `${perSecond.toFixed(1)} points/s`;
  return `${(perSecond * 3600).toFixed(1)} points/h`;
}

function lines(stream: ProgressStream): View {
  return {
    update: (progress, pace) => {
      stream.write(`fanfold: ${progressLine(progress, pace)}\n`);
    },
    close: () => undefined,
  };
}

function bars(manifest: Manifest, stream: ProgressStream): View {
  const multi = new cliProgress.MultiBar(
    {
      stream,
      hideCursor: true,
      clearOnComplete: false,
      fps: 5,
      barsize: barCells(stream.columns),
      emptyOnZero: true,
      autopadding: true,
      // A line that was written over is not drawn again otherwise.
      forceRedraw: true,
    },
    cliProgress.Presets.shades_classic,
  );
  const whole = multi.create(
    manifest.points,
    0,
    { rate: '', left: '', failed: 0 },
    { format: '{bar} {percentage}% | {value}/{total} points | {failed} failed | {rate} | {left} left' },
  );
  let told = '';
  const endTelling = tellThrough((text) => {
    told += text.replace(/^\n/, '');
  });
  // The cursor is where the bars begin.
  multi.on('redraw-pre', () => {
    if (told === '') return;
    clearScreenDown(stream);
    // Of bars, what doesn't fit into a line is left out; what is said goes on in the next one.
    stream.write(`${WRAPPED}${told}${NOT_WRAPPED}`);
    told = '';
  });
  const slots: cliProgress.SingleBar[] = [];
  const room = Math.min(MOST_SLOT_LINES, Math.max(0, stream.rows - 3));
  return {
    update: (progress, { rate, left }) => {
      whole.update(progress.done, { rate, left, failed: progress.failed });
      const busy = progress.busy.slice(0, room);
      while (slots.length < busy.length) {
        const format = '  {bar} task {task}{who}: {value}/{total} points';
        slots.push(multi.create(1, 0, { task: 0, who: '' }, { format, barsize: 12 }));
      }
      while (slots.length > busy.length) multi.remove(slots.pop() as cliProgress.SingleBar);
      busy.forEach((slot, index) => {
        showSlot(slots[index] as cliProgress.SingleBar, slot);
      });
      multi.update();
    },
    close: () => {
      for (const slot of slots) multi.remove(slot);
      multi.update();
      multi.stop();
      endTelling();
    },
  };
}

/** A terminal that is not wide has more need of the numbers. */
function barCells(columns: number): number {
  return Math.min(MOST_BAR_CELLS, Math.max(LEAST_BAR_CELLS, columns - NUMBER_CELLS));
}

function showSlot(bar: cliProgress.SingleBar, { task, pid, done, points }: BusySlot): void {
  bar.setTotal(points);
  bar.update(done, { task, who: pid === undefined ? '' : `, pid ${String(pid)}` });
}
