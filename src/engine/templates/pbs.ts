import { countElements } from '../../run/elements.js';
import { paragraph } from '../slurm/job-script.js';
import type { Template, TemplateFacts } from './facts.js';
import {
  elementCall,
  foldFile,
  FOLD_CALL,
  foldHead,
  head,
  isPlain,
  ownLog,
  places,
  preparations,
  WISHES,
} from './script.js';

/** Scripts for PBS Professional and OpenPBS, and with other lines for TORQUE. */
export const pbs: Template = {
  name: 'PBS',
  most: { elements: 10_000, setting: 'max_array_size' },
  job,
  fold,
};

// --- internal ---

function job(facts: TemplateFacts): string {
  const { tasks, pack, settings } = facts;
  const { maxRunning } = settings;
  const elements = countElements(tasks, pack);
  const last = String(elements - 1);
  // PBS Pro has no array of one.
  const isArray = elements > 1;
  return `#!/bin/bash
${head(facts, {
  scheduler: 'PBS',
  submit: ['qsub sweep.sh'],
  fold: `qsub -W depend=afterany:'JOB${isArray ? '[]' : ''}' ${foldFile(facts)}${isArray ? '   (TORQUE: afteranyarray)' : ''}`,
  queue: isArray ? "qstat -t 'JOB[]'" : 'qstat JOB',
  again:
    'An element that is out of time exits with 75. PBS lets only its operators put it back into the queue (qrerun), so submit the script once more then. After the loss of a node PBS starts it again by itself.',
})}

#PBS -S /bin/bash
#PBS -N ${jobName(facts)}
${where(facts)}#PBS -j oe
# The environment of the shell that submits, and started again where a node is lost.
#PBS -V
#PBS -r y
# PBS Pro, OpenPBS:
${isArray ? `#PBS -J 0-${last}\n` : ''}#PBS -l select=1:ncpus=${String(pack)}
${isArray && maxRunning !== undefined ? `#PBS -W max_run_subjobs=${String(maxRunning)}\n` : ''}${paragraph('TORQUE has these instead; put a # before the lines above, and take one away here:')}
${isArray ? `##PBS -t 0-${last}${maxRunning === undefined ? '' : `%${String(maxRunning)}`}\n` : ''}##PBS -l nodes=1:ppn=${String(pack)}
${WISHES}
##PBS -l walltime=01:00:00
${paragraph('memory: -l mem=2gb on TORQUE, in the select line on PBS Pro: select=1:ncpus=1:mem=2gb')}
##PBS -q workq
##PBS -A account
${preparations('55m')}
${places(facts, ownLog(facts, 'pbs-$PBS_JOBID.log'))}
# PBS_ARRAY_INDEX is that of PBS Pro, PBS_ARRAYID that of TORQUE.
index=\${PBS_ARRAY_INDEX:-\${PBS_ARRAYID:-${isArray ? '' : '0'}}}
${
  isArray
    ? `if [ -z "$index" ]; then
  echo "fanfold: Expected an element of an array, but there is neither PBS_ARRAY_INDEX nor PBS_ARRAYID. Submit this script by qsub, with its -J or -t." >&2
  exit 2
fi
`
    : ''
}# TORQUE's word for what PBS Pro calls NCPUS, from which the number of threads follows.
[ -z "\${PBS_NUM_PPN:-}" ] || export NCPUS="\${NCPUS:-$PBS_NUM_PPN}"
# exec, so that the signals of PBS reach fanfold itself: SIGTERM has it finish the points in hand.
exec ${elementCall(facts)}
`;
}

function fold(facts: TemplateFacts): string {
  return `#!/bin/bash
${foldHead('PBS')}

#PBS -S /bin/bash
#PBS -N ${jobName(facts)}
${where(facts)}#PBS -j oe
#PBS -V

${places(facts, ownLog(facts, 'pbs-fold-$PBS_JOBID.log'))}
${FOLD_CALL}
`;
}

/** A folder, in which PBS names the logs after the job: JOB[INDEX].SERVER.OU, on TORQUE NAME.oJOB-INDEX. */
function where({ directory }: TemplateFacts): string {
  return isPlain(directory) ? `#PBS -o ${directory}/logs/\n` : '';
}

/** At most 15 characters, for TORQUE. */
function jobName({ hash }: TemplateFacts): string {
  return `fanfold-${hash}`.slice(0, 15);
}
