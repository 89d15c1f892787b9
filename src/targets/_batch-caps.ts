import type { Cap } from './_caps.ts';
import { READ_ON } from './_ecs.ts';

export const REGISTER = 'RegisterJobDefinition';
export const SUBMIT = 'SubmitJob';
const QUOTAS = 'docs.aws.amazon.com/batch/latest/userguide/service_limits.html';

/** What the requests of AWS Batch may have. */
export const BATCH_CAPS: readonly Cap[] = [
  {
    kind: 'limit',
    operation: REGISTER,
    at: '',
    counts: 'json',
    max: 24_576,
    source: QUOTAS,
    readOn: READ_ON,
    sure: 'documented',
  },
  {
    kind: 'limit',
    operation: SUBMIT,
    at: '',
    counts: 'json',
    max: 30_720,
    source: QUOTAS,
    readOn: READ_ON,
    sure: 'documented',
  },
  {
    kind: 'limit',
    operation: SUBMIT,
    at: 'containerOverrides',
    counts: 'json',
    // RunTask takes 8,192, with {"containerOverrides": [{"name": "default", …}]} around them.
    max: 8192 - 45,
    source: 'one secondary text: Batch hands the overrides to RunTask of ECS',
    readOn: READ_ON,
    sure: 'weak',
  },
  {
    kind: 'limit',
    operation: REGISTER,
    at: 'retryStrategy.attempts',
    counts: 'number',
    max: 10,
    min: 1,
    source: 'botocore 1.44.5, batch/2016-08-10 (documentation of RetryStrategy)',
    readOn: READ_ON,
    sure: 'documented',
  },
  {
    kind: 'limit',
    operation: REGISTER,
    at: 'timeout.attemptDurationSeconds',
    counts: 'number',
    // The model has an integer without a maximum: 32 bits.
    max: 2_147_483_647,
    min: 60,
    source: 'botocore 1.44.5, batch/2016-08-10 (documentation of JobTimeout)',
    readOn: '2026-11-22',
    sure: 'documented',
  },
  {
    kind: 'limit',
    operation: SUBMIT,
    at: 'arrayProperties.size',
    counts: 'number',
    max: 10_000,
    min: 2,
    source: 'docs.aws.amazon.com/batch/latest/userguide/array_jobs.html',
    readOn: '2026-11-22',
    sure: 'documented',
  },
  {
    kind: 'form',
    operation: REGISTER,
    at: 'containerProperties.command',
    of: 'value',
    pattern: '[\\s\\S]+',
    source: 'awsdocs/aws-batch-user-guide@39859a8 (no empty string in a command)',
    readOn: READ_ON,
    sure: 'documented',
  },
];
