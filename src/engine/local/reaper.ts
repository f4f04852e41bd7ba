import { spawn } from 'node:child_process';

/** Ends every process group of a run when its coordinator dies, in whatever way. */
export interface Reaper {
  watch(pid: number): void;
  forget(pid: number): void;
  close(): void;
}

// A constant program; the process numbers reach it on stdin. It outlives a SIGKILL of the coordinator because it is in a
// session of its own, and it learns of it by the end of the pipe.
const PROGRAM = `
trap '' HUP INT TERM
groups=' '
while read -r act pid; do
  case $act in
    watch) groups="$groups$pid " ;;
    forget) groups="\${groups%% $pid *} \${groups#* $pid }" ;;
  esac
done
for pid in $groups; do kill -s KILL -- "-$pid" 2>/dev/null; done
`;

/** Starts the reaper: a POSIX shell of about one megabyte. Elsewhere a host ends itself when its stdin closes. */
export function startReaper(): Reaper {
  if (process.platform === 'win32') return { watch: ignore, forget: ignore, close: ignore };
  const shell = spawn('/bin/sh', ['-c', PROGRAM], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  // Where there is no /bin/sh a host still ends itself once its commands end, unless it is in a long computation.
  shell.on('error', ignore);
  // A reaper that somebody killed can't be told anything more; its absence only matters if the coordinator dies too.
  shell.stdin.on('error', ignore);
  return {
    watch: (pid) => shell.stdin.write(`watch ${String(pid)}\n`),
    forget: (pid) => shell.stdin.write(`forget ${String(pid)}\n`),
    close: () => shell.stdin.end(),
  };
}

// --- internal ---

function ignore(): void {
  // Nothing to do.
}
