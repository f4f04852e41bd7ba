import { usage } from '../errors.js';
import type { CommandReference } from '../engine/worker-reference.js';
import { commandWords } from '../host/command/command-words.js';
import { POINT_NAMES } from '../host/command/placeholders.js';
import type { Axis } from '../space/axis.js';

/**
 * Holds a command's placeholders and columns against the sweep's parameters.
 * @param axes of the space, then the fixed ones
 * @throws FanfoldError for a placeholder that nothing gives or that some point leaves empty, and for a name with two meanings
 */
export function checkCommand({ spec, program }: CommandReference, axes: readonly Axis[]): void {
  const own: readonly string[] = POINT_NAMES;
  const names = axes.map(({ name }) => name);
  const reserved = names.find((name) => own.includes(name));
  if (reserved !== undefined) {
    throw usage(
      `Expected the parameters of a command to have other names than ${own.join(', ')}, got "${reserved}": {${reserved}} is what fanfold gives.`,
    );
  }
  const column = spec.columns?.find(({ name }) => names.includes(name));
  if (column !== undefined)
    throw usage(`Expected --columns with names of their own, got "${column.name}", which is a parameter.`);
  const used = commandWords(spec, program).names;
  if (spec.stream) refuseAll(used);
  const unknown = used.find((name) => !names.includes(name) && !own.includes(name));
  if (unknown !== undefined) {
    throw usage(
      `Expected placeholders that the sweep gives, got {${unknown}}. It has ${[...names, ...own].map((name) => `{${name}}`).join(', ')}; {{${unknown}}} stands for the text {${unknown}} itself.`,
    );
  }
  for (const axis of axes) if (used.includes(axis.name)) refuseGaps(axis);
}

// --- internal ---

function refuseAll([name]: readonly string[]): void {
  if (name === undefined) return;
  throw usage(
    `Expected --stream with a command that is the same for all points, which come on its stdin, got the placeholder {${name}}; {{${name}}} stands for the text {${name}} itself.`,
  );
}

/** A worker in JavaScript has defaults for what a points file leaves out, a command line has none. */
function refuseGaps({ name, values }: Axis): void {
  if (values.definition.kind !== 'column') return;
  for (let index = 0; index < values.size; index++) {
    if (values.at(index) === undefined)
      throw usage(
        `Expected a value of {${name}} for every point, but the points file has none for point ${String(index)}.`,
      );
  }
}
