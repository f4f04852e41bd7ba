// The public API of fanfold.
export { FanfoldError, type ErrorCode } from './errors.js';
export type { Complex, Dtype, Scalar, Value } from './format/value.js';
export type { DeclaredColumns, Result } from './format/layout.js';
export {
  readOneDimensionalData,
  readTwoDimensionalData,
  writeOneDimensionalData,
  writeTwoDimensionalData,
  type DataFile,
} from './guan/data-file.js';
export type { Column } from './guan/numpy-array.js';
export type { Worker, WorkerContext } from './host/context.js';
export { CallError } from './multiprocessing/call-error.js';
export { Pool, type MapOptions, type PoolOptions } from './multiprocessing/pool.js';
export { Process, type ProcessOptions } from './multiprocessing/process.js';
export { compare, fold, sweep, type Run, type SweepOptions } from './library.js';
export type { ComparedRun, Comparison } from './report/comparison.js';
export type { ProcessRecord } from './report/session.js';
export type { Row } from './report/results.js';
export type { FailureRecord } from './run/records.js';
export { sharedArray, sharedValue } from './multiprocessing/shared-value.js';
export type { SharedArray, SharedValue } from './shared/value.js';
export type { Typecode } from './shared/typecode.js';
export { slice, type Slice, type Slicing } from './slicing.js';
export { arange } from './space/arange.js';
export type { Values } from './space/axis.js';
export { grid, type ValuesInput } from './space/grid.js';
export { geomspace, linspace, logspace } from './space/linspace.js';
export type { Point, Space } from './space/space.js';
