/** A field of a request, which is ours where the user has said nothing of the same. */
export interface Field {
  readonly operation: string;
  readonly at: string;
  /** Where else the user may have said it. */
  readonly or?: readonly Field[];
}

/** Which fields take what `needs` says of attempts, time and tasks; nothing does where absent. */
export interface Running {
  /** How often a failed program is started again; `max: 0` where it can only say: never. */
  readonly retries?: Field & { readonly max?: 0 };
  /** How long it may take: each attempt of each task, or the job as a whole. */
  readonly time?: Field & {
    readonly of: 'attempt' | 'job';
    /** Where the user may have asked for several attempts, which then share it. */
    readonly shared?: Field;
    /** An attempt that took too long is the last, whatever the retries. */
    readonly isLast?: true;
    /** What a container with GPUs is sure to be given of it, where that is less. */
    readonly gpuSecondsMax?: number;
  };
  readonly tasks?: Field;
  /** How many tasks run at the same time. */
  readonly parallel?: Field;
}
