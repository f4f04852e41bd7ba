#!/bin/sh
# The command that every program runs in the comparison: point.sh X.
if [ "$1" = 5 ] && [ -n "$PEERS_KILL_ONCE" ] && mkdir "$PEERS_KILL_ONCE" 2>/dev/null; then kill -KILL $$; fi
if [ -n "$PEERS_LONG" ] && { [ "$1" = 7 ] || [ "$1" = 8 ]; }; then sleep 5; else sleep 0.1; fi
printf '%08d\n' "$1" >> "$PEERS_MARKS"
echo "$1 $(($1 * 3 / 2)).$(($1 * 15 % 10))"
