import { formatBytes, type Certificate } from '../run/certificate.js';
import { formatSeconds } from './duration.js';

const MOST_LINES = 10;

/**
 * A certificate in a few lines for a person.
 * @param error what is said of the attempt beside it: a log's end that stands there is not repeated
 */
export function describeCertificate(certificate: Certificate, error: string): string {
  const { words, exitStatus, signal, processorSeconds, peakMemoryBytes, timeLeftSeconds } = certificate;
  const end = certificate.logEnd.trimEnd();
  const log = error.includes(end.trimStart()) ? [] : end.split('\n').slice(-MOST_LINES);
  const facts = [
    ['verdict', words],
    ['ended by', signal ?? (exitStatus === null ? undefined : `exit status ${String(exitStatus)}`)],
    ['processor time', processorSeconds === undefined ? undefined : formatSeconds(processorSeconds)],
    ['peak memory', peakMemoryBytes === undefined ? undefined : formatBytes(peakMemoryBytes)],
    ['time left', timeLeftSeconds === undefined ? undefined : `${String(timeLeftSeconds)} s of the limit`],
    ['machine', certificate.node],
    ['end of its log', log.length === 0 ? undefined : ['', ...log].join('\n  ')],
    ['once more', certificate.again],
  ] as const;
  return facts
    .filter(([, fact]) => fact !== undefined)
    .map(([name, fact = '']) => `${`${name}:`.padEnd(fact.startsWith('\n') ? 0 : WIDTH)}${fact}`)
    .join('\n');
}

// --- internal ---

const WIDTH = 'processor time: '.length;
