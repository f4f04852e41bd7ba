import { FanfoldError, remedyFor } from '../../errors.js';
import type { Report, TaskJob } from '../../host/protocol.js';
import { usageOf, type Usage } from '../../host/usage.js';
import type { Deadline } from './deadline.js';
import type { DeathInTask, Killed } from './deaths.js';
import { isDeath, type Death, type HostProcess } from './host-process.js';
import { formatBytes } from '../../run/certificate.js';
import { taskFiles } from '../../run/paths.js';
import { checkFiles, learnFiles } from './model-files.js';
import { pointInHand, type Place } from './point-in-hand.js';
import type { Session } from './session.js';

/** How a task ended, as its host has told it. */
export type Heard = 'done' | 'superseded' | Omit<DeathInTask, 'oomKills' | 'logStart'>;

export interface HearOptions {
  readonly task: TaskJob;
  readonly deadline: Deadline | undefined;
}

/**
 * Hears what a host tells of its task until that ends, or the host does.
 * @throws FanfoldError where the run can't go on
 */
export async function hearTask(
  host: HostProcess,
  session: Session,
  { task, deadline }: HearOptions,
): Promise<Heard> {
  const place: Place = { hasBegun: false, isFast: false, announced: undefined };
  for (;;) {
    const report = await host.next();
    if (isDeath(report)) {
      const late = deadline?.late;
      // Of points that are computed together the first without a line need not be the one that takes so long.
      const isKnown = session.worker.kind === 'module' || !place.isFast;
      const excess = session.memory.excessOf(host);
      const inHand = pointInHand(place, task, taskFiles(session.paths, task.index));
      return {
        death: withSeen(report, session.memory.seenOf(host)),
        point: isKnown ? (late ?? inHand) : undefined,
        killed:
          late !== undefined
            ? tooLate(session)
            : excess !== undefined
              ? tooLarge(excess, session)
              : undefined,
      };
    }
    switch (report.type) {
      case 'done':
        learnFiles(report.files, session);
        return 'done';
      case 'superseded':
        return 'superseded';
      case 'begin':
        deadline?.begin();
        place.hasBegun = true;
        break;
      case 'point':
        place.announced = report.index;
        deadline?.point(report.index);
        break;
      case 'computed':
        deadline?.end();
        place.announced = undefined;
        break;
      case 'failed':
        for (const index of report.indices) session.onFailed(index);
        break;
      case 'pace':
        place.isFast = report.isFast;
        break;
      case 'again':
        deadline?.again(report.afterMs);
        break;
      case 'layout':
        session.layout ??= report.layout;
        break;
      case 'loaded':
        checkFiles(report.files, session);
        break;
      case 'refused':
        throw new FanfoldError('FANFOLD_WORKER', report.message);
      case 'broken':
        throw brokenError(report);
      // Nothing of a task's.
      case 'hello':
      case 'checked':
      case 'forked':
      case 'ended':
      case 'returned':
      case 'raised':
    }
  }
}

// --- internal ---

function tooLate({ limits, worker }: Session): Killed {
  const seconds = String((limits.timeoutMs ?? 0) / 1000);
  const isStream = worker.kind === 'command' && worker.spec.stream;
  const hint = isStream ? ' A program that stays alive must flush each answer.' : '';
  return {
    verdict: 'timeout',
    reason: `It did not end within ${seconds} s (--timeout), so its process was killed.${hint}`,
  };
}

function tooLarge(bytes: number, { limits }: Session): Killed {
  const limit = formatBytes(limits.maxMemoryBytes ?? 0);
  return {
    verdict: 'memory',
    reason: `It used ${formatBytes(bytes)}, limit ${limit} (--max-memory), so its process and all under it were killed.`,
  };
}

/** What was seen of the whole tree may be more than what the system tells of the process, whose children died with it. */
function withSeen(death: Death, seen: Usage): Death {
  const { usage = {} } = death;
  const most = (one?: number, other?: number): number | undefined =>
    one === undefined ? other : Math.max(one, other ?? 0);
  const peak = most(usage.peakMemoryBytes, seen.peakMemoryBytes);
  return { ...death, usage: usageOf(peak, most(usage.processorSeconds, seen.processorSeconds)) };
}

const DISK_CODES = /\b(?:ENOSPC|EDQUOT|EFBIG|EROFS|EIO|ENOENT|EACCES|EPERM|ESTALE|EMFILE|ENFILE)\b/;

function brokenError({
  message,
  place = 'the run directory',
  stack,
}: Extract<Report, { type: 'broken' }>): Error {
  if (DISK_CODES.test(message)) {
    return new FanfoldError(
      'FANFOLD_IO',
      `A process could not write into ${place}: ${message}. What was finished is kept. ${remedyFor(message)}, then resume.`,
      { exitCode: 1 },
    );
  }
  return new Error(`A host broke down: ${stack ?? message}`);
}
