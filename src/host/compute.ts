import { layoutOf, ResultError, type DeclaredColumns, type Layout } from '../format/layout.js';
import { rowWriter, type Numbers, type RowSink, type RowWriter } from '../format/row.js';
import type { Value } from '../format/value.js';
import type { Axis } from '../space/axis.js';
import { pointOf, valueIn, type Point, type Space } from '../space/space.js';
import { PointContext } from './context.js';
import { lookahead } from './lookahead.js';
import { own } from './own-error.js';
import type { RunJob } from './protocol.js';
import { parsePoint } from './schema.js';
import type { LoadedWorker, Recall } from './worker-module.js';

/** What computes points of a run in this process. */
export interface Computer {
  /**
   * Computes a point and gives its line to the sink; a promise where the worker gives one.
   * Throws what the worker throws, or why its result can't be written; nothing is given to the sink then. An OwnError is
   * neither's.
   */
  add(index: number, sink: RowSink): Promise<void> | undefined;
  /** Points before `stop` may be computed before their lines are asked for, where the worker gains by it. */
  mayComputeTo(stop: number): void;
  /** The worker may be given several points at once. */
  readonly isAhead: boolean;
  /** True where a point is computed already, and its line is there at once. */
  isComputed(index: number): boolean;
  /** Which results the worker takes back, if it ever does. */
  readonly recall: Recall | undefined;
  /** The columns of the results, once they are known. */
  layout(): Layout | undefined;
  /** The parameters of a point, as the worker gets them before its schema's defaults. */
  parameters(index: number): Point;
  /** Which numbers the undeclared columns have held. */
  numbers(): Numbers;
  /** How many values of each result column were nan. */
  nans(): Readonly<Record<string, number>>;
}

export interface ComputerOptions {
  readonly job: RunJob;
  readonly space: Space;
  readonly fixed: readonly Axis[];
  readonly worker: LoadedWorker;
  readonly columns: DeclaredColumns | undefined;
  readonly taskIndex: number;
  readonly signal: AbortSignal;
  readonly log: (...values: unknown[]) => void;
  readonly layout: Layout | undefined;
  /** Called with the layout of the first result, where none was given. */
  readonly onLayout: (layout: Layout) => void;
}

/** Calls the worker with one point after another and writes each result as a line. */
export function computer(options: ComputerOptions): Computer {
  const { space, worker, job, taskIndex } = options;
  const { schema, run } = worker;
  const shared = { taskIndex, sweepSeed: BigInt(job.spec.seed), signal: options.signal, log: options.log };
  const fixed = pointOf(
    options.fixed,
    options.fixed.map(({ values }) => values.at(0)),
  );
  const hasFixed = options.fixed.length > 0;
  let { layout } = options;
  let rows: RowWriter | undefined = layout && makeRows(options, layout);

  const append = (sink: RowSink, values: (Value | undefined)[], result: unknown): void => {
    try {
      if (rows === undefined) {
        layout = firstLayout(options, result);
        rows = makeRows(options, layout);
      }
      rows.append(sink, values, result);
    } catch (error) {
      throw error instanceof ResultError && worker.refused !== undefined ? worker.refused(error) : error;
    }
    worker.accepted?.();
  };
  const givenBy = (values: (Value | undefined)[]): Point =>
    hasFixed ? { ...fixed, ...pointOf(space.axes, values) } : pointOf(space.axes, values);
  const ahead =
    worker.ahead &&
    lookahead(worker.ahead, (index) => [givenBy(space.values(index)), new PointContext(index, shared)]);
  return {
    add: (index, sink) => {
      const values = space.values(index);
      let result: unknown;
      if (ahead === undefined) {
        const given = givenBy(values);
        const point =
          schema === undefined ? given : fillDefaults(parsePoint(schema, given), values, space.axes);
        result = run(point, new PointContext(index, shared));
      } else {
        result = ahead.result(index);
      }
      if (isThenable(result)) {
        return Promise.resolve(result).then((settled) => {
          append(sink, values, settled);
        });
      }
      append(sink, values, result);
      return undefined;
    },
    mayComputeTo: (stop) => ahead?.allow(stop),
    isAhead: ahead !== undefined,
    isComputed: (index) => ahead?.isKnown(index) === true,
    recall: worker.recall,
    layout: () => layout,
    parameters: (index) => ({ ...fixed, ...space.point(index) }),
    numbers: () => rows?.numbers() ?? {},
    nans: () => rows?.nans() ?? {},
  };
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

// --- internal ---

function makeRows({ job, space }: ComputerOptions, layout: Layout): RowWriter {
  const axes = space.axes.map(({ name, values }) => ({
    name,
    dtype: values.dtype,
    mayBeDefault: values.definition.kind === 'column',
  }));
  return rowWriter({ format: job.spec.format, axes, layout, wholeNumbers: job.wholeNumbers });
}

function firstLayout(options: ComputerOptions, result: unknown): Layout {
  const names = options.space.axes.map(({ name }) => name);
  const layout = layoutOf(result, options.columns, names);
  // Only a result that can be written fixes the layout of the run.
  makeRows(options, layout).write(options.space.values(0), result);
  own(() => {
    options.onLayout(layout);
  });
  return layout;
}

/** What a points file leaves out is written as the default that the worker got. */
function fillDefaults(point: Point, values: (Value | undefined)[], axes: readonly Axis[]): Point {
  for (let index = 0; index < values.length; index++) {
    values[index] ??= valueIn(point, (axes[index] as Axis).name);
  }
  return point;
}
