import { expect, test } from 'bun:test';
import { platformVariables } from '../../src/cli/platform-variables.ts';

const isPlatforms = await platformVariables();

test.each<[string, boolean, string, readonly string[]]>([
  ['of a platform alone', true, 'TRAINING_JOB_ARN', []],
  ['of a list', true, 'AWS_BATCH_JOB_ARRAY_INDEX', []],
  ['that others give too, beside one of the platform alone', true, 'AWS_REGION', ['ECS_AGENT_URI']],
  ['that others give too, by itself', false, 'AWS_REGION', ['HOME']],
  ['that others give too, beside one of another platform', false, 'TF_CONFIG', ['ECS_AGENT_URI']],
  ["that begins like a platform's", false, 'TRAINING_JOB_ARN_OLD', []],
  ['of nobody', false, 'DB_URL', ['AWS_LAMBDA_FUNCTION_NAME']],
])('a variable %s: %p', (...[, wanted, name, beside]) => {
  expect(isPlatforms(name, new Set([name, ...beside]))).toBe(wanted);
});
