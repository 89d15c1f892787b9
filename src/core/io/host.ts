import type { Arrival, Kernel } from './types.ts';

/** The parts of the Io seam that differ with and without the launcher. */
export interface Host {
  readonly arrival: Arrival;
  readonly kernel: Kernel;
  /** The working directory was deleted before the start; relative paths mean nothing then. */
  readonly cwdGone: boolean;
  /** Ends without starting a program, as `run --help` does; a command's only way to exit. */
  quit(code: number): never;
}
