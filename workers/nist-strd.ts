/**
 * Reads the nonlinear-regression problems of the NIST Statistical Reference Datasets (StRD) in `data/nist-strd/`:
 * the measured data, and the certified parameters and residual sum of squares at the head of each file
 * (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml).
 */
import { readFileSync } from 'node:fs';

export const DATASETS = ['Misra1a', 'Eckerle4', 'Rat43', 'MGH09', 'Hahn1', 'Thurber'] as const;

export type Dataset = (typeof DATASETS)[number];

export interface Certified {
  /** b1, b2, … at the least-squares minimum, to 11 digits. */
  readonly parameters: readonly number[];
  readonly standardDeviations: readonly number[];
  /** Sum over the observations of (y - model)², in the square of y's unit. */
  readonly residualSumOfSquares: number;
}

export interface Observation {
  /** The predictor variable. */
  readonly x: number;
  /** The response variable. */
  readonly y: number;
}

export interface Problem {
  readonly certified: Certified;
  readonly observations: readonly Observation[];
}

/** One problem, read from its file the first time it is asked for in a process. */
export function problem(dataset: Dataset): Problem {
  const known = problems.get(dataset);
  if (known !== undefined) return known;
  const file = new URL(`../data/nist-strd/${dataset}.dat`, import.meta.url);
  const read = parseProblem(readFileSync(file, 'utf8'));
  problems.set(dataset, read);
  return read;
}

/** The text of a `.dat` file as a problem; anything missing or malformed is an error. */
export function parseProblem(text: string): Problem {
  const lines = text.split(/\r?\n/);
  const observations = parseObservations(lines);
  const promised = numberAfter(lines, 'Number of Observations:');
  if (observations.length !== promised) {
    throw new Error(`Expected ${String(promised)} observations, found ${String(observations.length)}.`);
  }
  return { certified: parseCertified(lines), observations };
}

// --- internal ---

const problems = new Map<Dataset, Problem>();

// A parameter, its two starting values, its certified value and the standard deviation of that.
const PARAMETER = /^\s*b\d+ =\s+\S+\s+\S+\s+(?<value>\S+)\s+(?<deviation>\S+)\s*$/;
// "Data:" alone also opens the description at the head of the file.
const DATA_HEADER = /^Data:\s+y\s+x\s*$/;

function parseCertified(lines: readonly string[]): Certified {
  const rows = lines.map((line) => PARAMETER.exec(line)).filter((row) => row !== null);
  if (rows.length === 0) throw new Error('Expected lines "b1 = start start value deviation", found none.');
  return {
    parameters: rows.map((row) => finite(row.groups?.value)),
    standardDeviations: rows.map((row) => finite(row.groups?.deviation)),
    residualSumOfSquares: numberAfter(lines, 'Residual Sum of Squares:'),
  };
}

function parseObservations(lines: readonly string[]): Observation[] {
  const header = lines.findIndex((line) => DATA_HEADER.test(line));
  if (header === -1) throw new Error('Expected a line "Data: y x" before the observations, found none.');
  return lines
    .slice(header + 1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [y, x] = line.trim().split(/\s+/);
      return { x: finite(x), y: finite(y) };
    });
}

function numberAfter(lines: readonly string[], label: string): number {
  const line = lines.find((candidate) => candidate.startsWith(label));
  if (line === undefined) throw new Error(`Expected a line "${label} …", found none.`);
  return finite(line.slice(label.length).trim());
}

function finite(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text === '' || !Number.isFinite(value)) {
    throw new Error(`Expected a number, found ${JSON.stringify(text ?? 'the end of the line')}.`);
  }
  return value;
}
