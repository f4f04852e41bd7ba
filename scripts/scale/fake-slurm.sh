#!/bin/sh
# Stands for sbatch, squeue, scontrol, scancel and sacct, by the name under which it is called: as slow as those of a busy
# cluster, and of a cluster that is only the files in $FANFOLD_SCALE. Each call is a line of its file `calls`.
name=${0##*/}
echo "$name $*" >>"$FANFOLD_SCALE/calls"
case $name in
  scontrol)
    sleep 0.1
    echo 'MaxArraySize = 100001'
    ;;
  sbatch)
    sleep 0.5
    id=$(($(wc -l <"$FANFOLD_SCALE/submitted" 2>/dev/null || echo 0) + 1))
    echo "$id $*" >>"$FANFOLD_SCALE/submitted"
    pwd >"$FANFOLD_SCALE/folder"
    echo "$id"
    ;;
  squeue)
    # The cluster writes how long an answer takes with so many jobs, and the answer.
    sleep "$(cat "$FANFOLD_SCALE/delay" 2>/dev/null || echo 0.2)"
    cat "$FANFOLD_SCALE/queue" 2>/dev/null ||
      printf '1_[0-9]\037PENDING\037Priority\037fanfold-scale\037job.sh\037%s\n' "$(cat "$FANFOLD_SCALE/folder")"
    ;;
  scancel | sacct) sleep 0.1 ;;
esac
