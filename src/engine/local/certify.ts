import { hostname } from 'node:os';
import { LOG_END_BYTES, timeLeft, type Certificate, type OomKills } from '../../run/certificate.js';
import { endOfLog } from '../../run/log-file.js';
import { judgeDeath } from '../../run/verdict.js';
import type { Death } from './host-process.js';
import type { Session } from './session.js';

/** What is known of a death beside how the process ended. */
export interface Circumstances {
  readonly death: Death;
  readonly task: number;
  readonly point: number;
  readonly oomKills: { readonly before: OomKills; readonly after: OomKills };
  readonly logStart: number;
  /** The verdict where this coordinator has ended the process itself. */
  readonly verdict: Pick<Certificate, 'verdict' | 'words'> | undefined;
}

/** The certificate of an attempt that ended its process. */
export function certify(
  { death, task, point, oomKills, logStart, verdict }: Circumstances,
  { paths, work }: Session,
): Certificate {
  const { exitCode: exitStatus, signal, lastWords, usage = {} } = death;
  const { facts } = work.job;
  const left = timeLeft(facts.endsAtMs);
  return {
    ...(verdict ?? judgeDeath({ exitStatus, signal, lastWords, ...oomKills, ...left })),
    exitStatus,
    signal,
    ...usage,
    oomKills,
    ...left,
    node: hostname(),
    logEnd: endOfLog(paths.log(task), logStart, LOG_END_BYTES),
    again: `${facts.again}${String(point)}`,
  };
}
