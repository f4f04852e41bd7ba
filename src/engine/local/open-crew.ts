import type { WorkerReference } from '../worker-reference.js';
import { startCrew, type Crew, type CrewOptions } from './crew.js';
import { NODE_HOST } from './host-process.js';
import { pythonHost, startPythonCrew } from './python-crew.js';

/** Starts the processes that a worker's language asks for; they load nothing until they are told. */
export function openCrew(worker: WorkerReference, options: CrewOptions): Crew {
  if (worker.kind !== 'python') return startCrew({ ...options, program: NODE_HOST });
  const program = pythonHost(worker.interpreter);
  if (worker.startMethod === 'spawn') return startCrew({ ...options, program });
  return startPythonCrew({ ...options, program });
}
