/**
 * The functions that the processes of `article.mjs` call: those of the article, in its order. Functions for a `Process` or
 * a `Pool` take plain arguments, where a sweep's worker takes a point.
 */
import { pid } from 'node:process';
import { setTimeout } from 'node:timers/promises';

import { writeOneDimensionalData, type SharedValue } from 'fanfold';

interface Options {
  /** How long the job takes, in seconds. */
  readonly seconds?: number;
  readonly a?: number;
  readonly b?: number;
}

/** Sections 2 to 4: a job that waits, and says who it is. */
export async function runProc(name: string, { seconds = 2, a = 0, b = -1 }: Options = {}): Promise<string> {
  await setTimeout(seconds * 1000);
  console.log(`${name}: pid ${String(pid)}, a=${String(a)}, b=${String(b)}`);
  return name;
}

/** Section 5: a value returned through shared memory. */
export function setNumber(number: SharedValue, value: number): void {
  number.value = value;
}

/** Section 6: one task of a sweep that is divided by hand: twice each parameter, in a file of its own. */
export function doubleTask(parameters: readonly number[], file: string): void {
  const doubled = parameters.map((parameter) => 2 * parameter);
  writeOneDimensionalData(parameters, doubled, { filename: file });
}

/** Section 7: one of many small jobs. */
export async function square(x: number): Promise<number> {
  await setTimeout(1);
  return x * x;
}
