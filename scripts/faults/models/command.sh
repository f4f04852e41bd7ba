#!/bin/sh
# A command of the faults' sweeps, run for each point: command.sh X SEED. A pace is spent in a process of its own.
if [ "${FAULTS_PACE_MS:-0}" -gt 0 ]; then sleep "$(printf '0.%03d' "$FAULTS_PACE_MS")"; fi
printf '%08d\n' "$1" >> "${FAULTS_MARKS:-/dev/null}"
echo "$1.5 $2 <$1>"
