/** How a run is submitted to Slurm; none of it changes a byte of the result. */
export interface SlurmSettings {
  /** Options of sbatch by their long names without `--`, such as `partition`; flags have the value `true` or `false`. */
  readonly options: Readonly<Record<string, string>>;
  /** The most elements that may run at once. */
  readonly maxRunning?: number;
  /** Absolute path of a shell script that each element sources first. */
  readonly setup?: string;
}
