import type { Layout } from '../format/layout.js';
import type { Manifest } from './manifest.js';
import type { RunEvent } from './records.js';

/** The layout of a run's results, once a point is computed. Every record of a complete task has it, and the fold's proof. */
export function layoutOfRun(events: readonly RunEvent[], { proof }: Manifest): Layout | undefined {
  const [first] = recordedLayouts(events);
  return first?.layout ?? proof?.layout;
}

/** Every record of a layout, with its task: that of the first result, and those of tasks at their ends. */
export function* recordedLayouts(
  events: readonly RunEvent[],
): Generator<{ readonly task: number; readonly layout: Layout }> {
  for (const event of events) {
    if (event.event !== 'layout' && event.event !== 'end') continue;
    const { task, layout } = event;
    if (layout !== undefined) yield { task, layout };
  }
}
