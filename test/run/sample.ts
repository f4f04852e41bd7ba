import { DEFAULT_LIMITS } from '../../src/run/limits.js';
import type { Manifest } from '../../src/run/manifest.js';
import { specHash, type SweepSpec } from '../../src/run/spec.js';

/** A spec with an axis of every kind. */
export function sampleSpec(): SweepSpec {
  return {
    worker: { file: 'model.ts', export: 'default' },
    space: {
      groups: [
        [{ name: 'x', values: { kind: 'arange', dtype: 'int64', start: 0, stop: 17, step: 1 } }],
        [
          { name: 'u', values: { kind: 'linspace', start: '-0', stop: 6.283185307179586, num: 2 } },
          { name: 's', values: { kind: 'list', dtype: 'string', values: ['é "1"', '\u001b\ud800'] } },
        ],
        [{ name: 'big', values: { kind: 'list', dtype: 'int64', values: ['9007199254740993'] } }],
        [{ name: 'f', values: { kind: 'list', dtype: 'float64', values: ['NaN', 0.5, null] } }],
        [{ name: 'b', values: { kind: 'list', dtype: 'bool', values: [true] } }],
        [{ name: 'c', values: { kind: 'column', dtype: 'float64', size: 3, sha256: 'ab'.repeat(32) } }],
      ],
    },
    fixed: [{ name: 'L', values: { kind: 'list', dtype: 'int64', values: [0] } }],
    seed: '18446744073709551615',
    slicing: 'guan',
    tasks: 4,
    format: 'txt',
  };
}

export function sampleManifest(spec = sampleSpec()): Manifest {
  return {
    version: 1,
    spec,
    hash: specHash(spec),
    points: 306,
    tasks: 4,
    wholeNumbers: 'float64',
    columns: { energy: 'float64', state: 'string' },
    header: true,
    limits: { ...DEFAULT_LIMITS, maxFailures: { percent: 5 } },
    worker: { path: '../model.ts', files: { 'model.ts': 'ab12', 'lib/util.ts': 'cd34' }, module: 'ef56' },
    pointsFile: 'points.csv',
    versions: { fanfold: '0.1.0', node: '20.19.0' },
    commit: '2f13273',
    host: 'node1',
    created: '2026-01-02T03:04:05.678Z',
  };
}
