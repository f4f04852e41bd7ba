// A file under src/ imports from its own layer and from layers to its left, never to the right.
const layers = [
  [
    'errors',
    '^src/(errors|checks|version|sha256|count|deferred|timers|proc|host-mark|lock-file|process-group)\\.ts$',
  ],
  ['base', '^src/(format|space|slicing|shared)'],
  ['run', '^src/(run|guan)/'],
  ['host', '^src/host/'],
  ['engine', '^src/engine/|^src/fold'],
  ['sweep', '^src/(sweep|multiprocessing)/'],
  ['report', '^src/report/'],
  ['entry', '^src/(cli/|library\\.ts$|index\\.ts$)'],
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layers.slice(0, -1).map(([name, path], index) => ({
      name: `${name}-imports-from-the-left`,
      severity: 'error',
      from: { path },
      to: {
        path: layers
          .slice(index + 1)
          .map(([, right]) => right)
          .join('|'),
      },
    })),
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'host-loads-little',
      comment: 'Every child process pays for what the host imports.',
      severity: 'error',
      from: { path: '^src/host/' },
      to: { dependencyTypes: ['npm'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'reports-never-talk-to-an-engine',
      severity: 'error',
      from: { path: '^src/report/' },
      to: { path: '^src/engine/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
