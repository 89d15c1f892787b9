// What Cloud Run takes of a Job and of its run: discovery run.v2 20261031; counts and times of
// docs.cloud.google.com/run (max-retries, task-timeout, create-jobs).
import { ANY, FLAG, listOf, type Rule, TEXT, text } from './_rules.ts';

const ENV: Rule = listOf(
  {
    is: 'object',
    members: { 'name!': text(32_768), value: text(32_768), valueSource: ANY },
  },
  1000,
);
const OVERRIDE: Rule = {
  is: 'object',
  members: { name: TEXT, args: listOf(TEXT), clearArgs: FLAG, env: ENV },
};
/** A Job. */
export const JOB: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'template!': {
      is: 'object',
      isOpen: true,
      members: {
        taskCount: { is: 'integer', min: 1, max: 10_000 },
        parallelism: { is: 'integer', min: 0 },
        'template!': {
          is: 'object',
          isOpen: true,
          members: {
            maxRetries: { is: 'integer', min: 0, max: 10 },
            timeout: { is: 'string', pattern: '[0-9]+s' },
            'containers!': listOf(
              {
                is: 'object',
                isOpen: true,
                members: {
                  'image!': TEXT,
                  command: listOf(TEXT),
                  args: listOf(TEXT),
                  env: ENV,
                  volumeMounts: listOf({
                    is: 'object',
                    members: { 'name!': TEXT, 'mountPath!': text(4096, '/[^:]*'), subPath: TEXT },
                  }),
                },
              },
              1, // "a single container per task" (discovery)
              1,
            ),
          },
        },
      },
    },
  },
};
/** What `run` takes. */
export const RUN: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    overrides: {
      is: 'object',
      isOpen: true,
      members: { containerOverrides: listOf(OVERRIDE) },
    },
  },
};
