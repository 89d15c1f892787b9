import type { Feature, Inside, Said } from './_target.ts';

/** Where nobody could write to a container's input, and it has no terminal. */
export const NO_TERMINAL = {
  stdin: {
    by: 'nobody',
    how: 'the input has ended when the program starts: give what it reads as a file',
  },
  tty: {
    by: 'nobody',
    how: 'there is none: give what the program takes of one as variables (TERM, COLUMNS)',
  },
} as const satisfies Partial<Record<Feature, Said>>;

/** Where each pod of an Indexed Job is a job of its own. */
const GIVEN_INDEX =
  'submit it once for each index, with `--field "metadata.labels[\'batch.kubernetes.io/job-completion-index\']=0"`';

/** Where the platform's own fields say nothing of attempts, time and tasks. */
export const ONE_RUN = {
  retries: { by: 'nobody', how: 'it runs once: submit it again with `--name`' },
  timeLimit: { by: 'nobody', how: 'end it from within: start the command by `timeout SECONDS`' },
  completions: { by: 'nobody', how: 'one task a job: submit it as often, with `--name`' },
  completionIndex: { by: 'nobody', how: GIVEN_INDEX },
} as const satisfies Partial<Record<Feature, Said>>;

/** What bellhop itself does in a container, wherever it was started by a platform's own request. */
export const ENTRYPOINT_FEATURES = {
  files: { by: 'entrypoint', how: 'written before the program starts' },
  hyperparameters: { by: 'entrypoint', how: 'a file where the program reads it' },
  workingDir: { by: 'entrypoint', how: 'changed to before the program starts' },
  user: { by: 'entrypoint', how: 'become where the container starts as root' },
  memoryVolume: { by: 'entrypoint', how: 'in /dev/shm where mounting is not allowed' },
  initContainers: {
    by: 'nobody',
    how: 'put it into the image, or `policy: { initContainers: ignore }`',
  },
  ...NO_TERMINAL,
  ...ONE_RUN,
} as const satisfies Partial<Record<Feature, Said>>;

/** Which of a job's tasks this is, where a variable of the platform tells it. */
export function indexFrom(inside: Inside, name: string): { readonly index?: string } {
  const index = inside.variable(name);
  return index === undefined ? {} : { index };
}

/** What a shell adds to the variables of what it starts: POSIX.1-2017, XCU 2.5.3, and bash. */
export const SHELL_OWN = ['PWD', 'OLDPWD', 'SHLVL', '_'] as const;

/** Names that every shell keeps and passes on. */
export const SHELL_NAME = '[A-Za-z_][A-Za-z0-9_]*';
export const SHELL_NAME_FACT = {
  source: 'POSIX.1-2017, XCU 2.5.3 and XBD 8.1: a shell may drop other names',
  readOn: '2026-11-21',
  sure: 'documented',
} as const;

/**
 * A value that means itself to every shell, quoted in any way, and that nothing trims; undefined
 * for others, which the entrypoint delivers.
 */
export function plainly(value: string): string | undefined {
  return /['"$`\\!{}\p{Cc}]|^\s|\s$/u.test(value) ? undefined : value;
}

/** A word as a shell reads it back, whatever it holds. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
