import { countElements } from '../../run/elements.js';
import { paragraph } from '../slurm/job-script.js';
import type { Template, TemplateFacts } from './facts.js';
import {
  elementCall,
  foldFile,
  FOLD_CALL,
  foldHead,
  head,
  jobName,
  places,
  preparations,
  WISHES,
} from './script.js';

/** Scripts for Grid Engine, also called SGE, Son of Grid Engine, UGE, Altair Grid Engine. */
export const sge: Template = {
  name: 'Grid Engine',
  most: { elements: 75_000, setting: 'max_aj_tasks' },
  job,
  fold,
};

// --- internal ---

function job(facts: TemplateFacts): string {
  const { tasks, pack, settings } = facts;
  const { maxRunning } = settings;
  return `#!/bin/bash
${head(facts, {
  scheduler: 'Grid Engine',
  submit: ['qsub sweep.sh'],
  fold: `qsub -hold_jid JOB ${foldFile(facts)}`,
  queue: 'qstat',
  again:
    'An element that is out of time goes back into the queue by itself, by the exit status 99, unless it could not finish a single point.',
})}

#$ -S /bin/bash
#$ -N ${jobName(facts)}
#$ -t 1-${String(countElements(tasks, pack))}
${maxRunning === undefined ? '' : `#$ -tc ${String(maxRunning)}\n`}${where(facts, 'sge-$JOB_ID.$TASK_ID.log')}#$ -j y
# The environment of the shell that submits, started again where a node is lost, warned before it is killed.
#$ -V
#$ -r y
#$ -notify
${
  pack === 1
    ? ''
    : `${paragraph('A processor for each of the tasks that are computed at once; the parallel environment, smp here, has another name on some clusters (qconf -spl).')}\n#$ -pe smp ${String(pack)}\n`
}${WISHES}
##$ -l h_rt=01:00:00,s_rt=00:58:00
##$ -l h_vmem=2G
##$ -q all.q
##$ -P project
${preparations('55m')}
# Warnings that come before fanfold listens must not end it; they reach it too.
trap '' USR1 USR2 XCPU

${places(facts, ownLog(facts, 'sge-$JOB_ID.$SGE_TASK_ID.log'))}
if [ "\${SGE_TASK_ID:-undefined}" = undefined ]; then
  echo "fanfold: Expected an element of an array, but there is no SGE_TASK_ID. Submit this script by qsub, with its -t." >&2
  exit 2
fi
# Grid Engine counts from 1.
index=$((SGE_TASK_ID - 1))
${elementCall(facts)}
status=$?
# 75: there is more to compute. Grid Engine puts back into the queue what exits with 99.
[ "$status" -ne 75 ] || status=99
exit "$status"
`;
}

function fold(facts: TemplateFacts): string {
  return `#!/bin/bash
${foldHead('Grid Engine')}

#$ -S /bin/bash
#$ -N ${jobName(facts)}-fold
${where(facts, 'sge-fold-$JOB_ID.log')}#$ -j y
#$ -V

${places(facts, ownLog(facts, 'sge-fold-$JOB_ID.log'))}
${FOLD_CALL}
`;
}

/** Where a job runs and writes its log; nothing where its path can't be said. */
function where({ directory }: TemplateFacts, log: string): string {
  if (!fits(directory)) return '';
  return `#$ -wd ${quoted(directory)}\n#$ -o ${quoted(`${directory}/logs/${log}`)}\n`;
}

function ownLog({ directory }: TemplateFacts, log: string): string | undefined {
  return fits(directory) ? undefined : log;
}

function quoted(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}

/**
 * Inside quotes too, qsub ends a directive at #, and knows no escape; in a log's path it reads commas and colons. Both paths
 * have $HOME and the like replaced on the node, even where -cwd said the folder.
 */
function fits(directory: string): boolean {
  return !/["'#,:$\p{Cc}\p{Zl}\p{Zp}]/u.test(directory);
}
