import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { FANFOLD } from './command.mjs';
import { canHaveBed } from './slurm-bed.mjs';

const PROBE = `
import json, multiprocessing, platform, sys
facts = {
    "program": sys.executable,
    "version": platform.python_version(),
    "startMethod": multiprocessing.get_start_method(),
}
try:
    import numpy
    facts["numpy"] = numpy.__version__
except ImportError:
    pass
print(json.dumps(facts))
`;

/** Programs that cases need beside Python. */
const TOOLS = { commands: ['parallel', 'xargs'], stream: ['gcc'] };

/**
 * Looks for everything that the comparison needs.
 * @returns what Python there is, and what is missing; `python.program` is the interpreter itself, because `python3` may be
 *   a version manager's script, whose own time would be charged to Python; `leftOut` are the cases that this machine can't have
 */
export function checkRequirements(only) {
  const tools = only.flatMap((key) => TOOLS[key] ?? []);
  const missing = tools
    .filter((tool) => spawnSync(tool, ['--version']).status !== 0)
    .map((tool) => `${tool} is missing: install it, or leave its case out with --only.`);
  const [, program] = FANFOLD;
  if (!existsSync(program)) missing.push(`${program} is missing: run npm run build first.`);
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', PROBE], { encoding: 'utf8' });
  if (status !== 0) {
    const reason =
      error?.code === 'ENOENT' ? 'there is no python3 on PATH' : (error?.message ?? stderr.trim());
    missing.push(`Python is missing: ${reason}. Install Python 3 with NumPy.`);
    return { python: undefined, missing, leftOut: [] };
  }
  const python = JSON.parse(stdout);
  if (python.numpy === undefined) {
    missing.push(
      `NumPy is missing: python3 (${python.version}) can't import numpy. Install it for this python3.`,
    );
  }
  return { python, missing, leftOut: only.includes('slurm') && !canHaveBed() ? ['slurm'] : [] };
}
