import type { Template } from './facts.js';
import { lsf } from './lsf.js';
import { pbs } from './pbs.js';
import { sge } from './sge.js';
import { slurm } from './slurm.js';

export const TEMPLATES = { slurm, pbs, sge, lsf } as const satisfies Record<string, Template>;
