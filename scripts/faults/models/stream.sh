#!/bin/sh
# A program of the faults' sweeps that stays alive. A pace is spent in a process of its own.
while IFS= read -r line; do
  x=${line#*'"x":'} index=${line#*'"index":'} seed=${line#*'"seed":'}
  x=${x%%[,\}]*} index=${index%%[,\}]*} seed=${seed%%[,\}]*}
  if [ "${FAULTS_PACE_MS:-0}" -gt 0 ]; then sleep "$(printf '0.%03d' "$FAULTS_PACE_MS")"; fi
  printf '%08d\n' "$x" >> "${FAULTS_MARKS:-/dev/null}"
  printf '{"index":%s,"y":%s.5,"seed":%s,"word":"<%s>"}\n' "$index" "$x" "$seed" "$x"
done
