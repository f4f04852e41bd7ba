import { cellWriter, type CellWriter } from '../../format/cell.js';
import type { Column } from '../../format/layout.js';
import { quoteJson } from '../../format/quote.js';
import { valueIn, type Point } from '../../space/space.js';
import type { WorkerContext } from '../context.js';
import type { ValueOf } from './placeholders.js';

/** What a program is told of a point beside its parameters. */
export type PointFacts = Pick<WorkerContext, 'index' | 'task_index' | 'seed'>;

/** A point in the forms in which programs get it. */
export interface PointText {
  /** A parameter as the result file has it (`0.1`, `1.0`, `1e-07`, `True`), a string as it is; undefined where it is left out. */
  value(point: Point, name: string): string | undefined;
  /** What the placeholders of a command stand for; `folder` is the point's own. */
  valueOf(point: Point, facts: PointFacts, folder?: string): ValueOf;
  /** One line of JSON: the parameters in the sweep's order, then index, task_index and seed. */
  json(point: Point, facts: PointFacts): string;
}

/** The texts of a sweep's points. */
export function pointText(parameters: readonly Column[]): PointText {
  const words = new Map(parameters.map((column) => [column.name, writer(column, 'txt')]));
  const cells = parameters.map((column) => ({
    name: column.name,
    key: `${quoteJson(column.name)}:`,
    write: writer(column, 'jsonl'),
  }));
  const textOf = (point: Point, name: string): string | undefined => {
    const value = valueIn(point, name);
    if (value === undefined || typeof value === 'string') return value;
    return words.get(name)?.(value);
  };
  return {
    value: textOf,
    valueOf: (point, { index, task_index, seed }, folder = '') => {
      const own = { index: String(index), task_index: String(task_index), seed: String(seed), out: folder };
      return (name) =>
        Object.hasOwn(own, name) ? own[name as keyof typeof own] : (textOf(point, name) ?? '');
    },
    json: (point, { index, task_index, seed }) => {
      let text = '{';
      for (const { name, key, write } of cells) {
        const value = valueIn(point, name);
        if (value !== undefined) text += `${key}${write(value)},`;
      }
      return `${text}"index":${String(index)},"task_index":${String(task_index)},"seed":${String(seed)}}`;
    },
  };
}

// --- internal ---

function writer(column: Column, format: 'txt' | 'jsonl'): CellWriter {
  return cellWriter(column, format, 'int64', { whole: false, fraction: false, nan: 0 });
}
