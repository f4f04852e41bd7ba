import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** What the figures depend on: processors, memory, system, versions, and how busy the machine is as they begin. */
export function describeMachine(python) {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()}`,
    loadAverage: loadavg()[0],
    fanfold: version,
    node: process.versions.node,
    python: python.version,
    numpy: python.numpy,
    startMethod: python.startMethod,
  };
}
