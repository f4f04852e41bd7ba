import { countElements } from '../../run/elements.js';
import type { Template, TemplateFacts } from './facts.js';
import {
  elementCall,
  foldFile,
  FOLD_CALL,
  foldHead,
  head,
  isPlain,
  ownLog,
  jobName,
  places,
  preparations,
  WISHES,
} from './script.js';

/** Scripts for IBM Spectrum LSF. */
export const lsf: Template = {
  name: 'LSF',
  most: { elements: 1000, setting: 'MAX_JOB_ARRAY_SIZE' },
  job,
  fold,
};

// --- internal ---

function job(facts: TemplateFacts): string {
  const { tasks, pack, settings } = facts;
  const { maxRunning } = settings;
  const limit = maxRunning === undefined ? '' : `%${String(maxRunning)}`;
  return `#!/bin/bash
${head(facts, {
  scheduler: 'LSF',
  submit: ['bsub < sweep.sh'],
  fold: `bsub -w 'ended(JOB)' < ${foldFile(facts)}`,
  queue: 'bjobs -A',
  again:
    'An element that is out of time exits with 75, and LSF puts it back into the queue (-Q below), unless it could not finish a single point.',
})}

#BSUB -J "${jobName(facts)}[1-${String(countElements(tasks, pack))}]${limit}"
${where(facts, 'lsf-%J_%I.log')}#BSUB -n ${String(pack)}
#BSUB -R "span[hosts=1]"
# Put back into the queue at exit code 75, and started again where a host is lost.
#BSUB -Q "75"
#BSUB -r
${WISHES}
##BSUB -W 01:00
# a warning, in minutes before that time:
##BSUB -wt 2 -wa TERM
##BSUB -R "rusage[mem=2000]"
##BSUB -q normal
##BSUB -P project
${preparations('55m')}
${places(facts, ownLog(facts, 'lsf-${LSB_JOBID}_${LSB_JOBINDEX}.log'))}
if [ "\${LSB_JOBINDEX:-0}" -eq 0 ]; then
  echo "fanfold: Expected an element of an array, but there is no LSB_JOBINDEX. Submit this script by bsub <, with its -J." >&2
  exit 2
fi
# LSF counts from 1.
index=$((LSB_JOBINDEX - 1))
# exec, so that the signals of LSF reach fanfold itself: SIGTERM and SIGUSR2 have it finish the points in hand.
exec ${elementCall(facts)}
`;
}

function fold(facts: TemplateFacts): string {
  return `#!/bin/bash
${foldHead('LSF')}

#BSUB -J "${jobName(facts)}-fold"
${where(facts, 'lsf-fold-%J.log')}
${places(facts, ownLog(facts, 'lsf-fold-$LSB_JOBID.log'))}
${FOLD_CALL}
`;
}

/** Where the log is; what is in it already is kept. */
function where({ directory }: TemplateFacts, log: string): string {
  return isPlain(directory) ? `#BSUB -o ${directory}/logs/${log}\n` : '';
}
