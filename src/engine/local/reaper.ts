import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Ends every process group of a run, and what left these groups, and removes its temporary folders when its coordinator dies, in
 * whatever way.
 */
export interface Reaper {
  /** What the marks of all hosts of this coordinator begin with. */
  readonly token: string;
  watch(pid: number): void;
  forget(pid: number): void;
  /** A file or folder that must not outlive the coordinator. */
  remove(path: string): void;
  /** Takes back a `remove`: the path is gone, or somebody else's. */
  keep(path: string): void;
  close(): void;
}

// A constant program; process numbers and paths reach it on stdin, as data. It outlives a SIGKILL of the coordinator because it is in a
// session of its own, and it learns of it by the end of the pipe.
const PROGRAM = `
trap '' HUP INT TERM
set -f
IFS='
'
groups=' '
paths=$IFS
while read -r line; do
  rest=\${line#* }
  case $line in
    watch*) groups="$groups$rest " ;;
    forget*) groups="\${groups%% $rest *} \${groups#* $rest }" ;;
    remove*) paths="$paths$rest$IFS" ;;
    keep*) paths="\${paths%%"$IFS$rest$IFS"*}$IFS\${paths#*"$IFS$rest$IFS"}" ;;
  esac
done
IFS=' '
for pid in $groups; do kill -s KILL -- "-$pid" 2>/dev/null; done
IFS='
'
# Those that are being killed may be found again, and those that they started meanwhile for the first time.
round=0
while [ -r /proc/self/environ ] && [ "$round" -lt 10 ]; do
  set +f
  found=$(grep -l "$1" /proc/[0-9]*/environ 2>/dev/null)
  set -f
  [ -n "$found" ] || break
  for path in $found; do
    pid=\${path#/proc/}
    kill -s KILL "\${pid%/environ}" 2>/dev/null
  done
  round=$((round + 1))
done
# A process that was killed this moment may still have made a file.
for path in $paths; do rm -rf -- "$path" 2>/dev/null || { sleep 1; rm -rf -- "$path"; }; done
`;

/** Starts the reaper: a POSIX shell of about one megabyte. Elsewhere a host ends itself when its stdin closes. */
export function startReaper(): Reaper {
  if (process.platform === 'win32')
    return { token: '', watch: ignore, forget: ignore, remove: ignore, keep: ignore, close: ignore };
  const token = randomBytes(8).toString('hex');
  const known = { watch: new Set<string>(), remove: new Set<string>() };
  let starts = 0;
  let isClosed = false;
  let shell: ReaperShell;
  const tell = (act: string, what: string): void => {
    // A path with a line break can't be told, and is left behind where the coordinator is killed.
    if (shell.stdin.writable && !what.includes('\n')) shell.stdin.write(`${act} ${what}\n`);
  };
  const start = (): void => {
    starts++;
    shell = startShell(token);
    // One that somebody killed can't do its work any more, so another one is told all that it knew.
    shell.once('exit', () => {
      if (isClosed || starts === MOST_STARTS) return;
      start();
      for (const pid of known.watch) tell('watch', pid);
      for (const path of known.remove) tell('remove', path);
    });
  };
  start();
  return {
    token,
    watch: (pid) => {
      known.watch.add(String(pid));
      tell('watch', String(pid));
    },
    forget: (pid) => {
      known.watch.delete(String(pid));
      tell('forget', String(pid));
    },
    remove: (path) => {
      known.remove.add(path);
      tell('remove', path);
    },
    keep: (path) => {
      known.remove.delete(path);
      tell('keep', path);
    },
    close: () => {
      isClosed = true;
      shell.stdin.end();
    },
  };
}

// --- internal ---

type ReaperShell = ChildProcessByStdio<Writable, null, null>;

/** A shell that ends again and again is of no use. */
const MOST_STARTS = 10;

function startShell(token: string): ReaperShell {
  const shell = spawn('/bin/sh', ['-c', PROGRAM, 'sh', token], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  // Where there is no /bin/sh a host still ends itself once its commands end, unless it is in a long computation.
  shell.on('error', ignore);
  // What a reaper that is being killed isn't told any more, the next one is.
  shell.stdin.on('error', ignore);
  return shell;
}

function ignore(): void {
  // Nothing to do.
}
