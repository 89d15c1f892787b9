// What a platform's refusal is told as, at the end of `bellhop submit`: its own words where the
// request is to blame, and who we are where it is not.
import { afterAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { callMeanwhile, folder } from '../cli/_call.ts';
import { settings } from './_cli.ts';

/** Answers every call with the error that its path begins with, as SageMaker writes it. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: ({ url }) => {
    const [, code] = new URL(url).pathname.split('/');
    const body = { __type: code, message: 'said by the service' };
    return Response.json(body, { status: 400 });
  },
});
afterAll(async () => server.stop(true));

writeFileSync(
  path.join(folder, 'calls.pod.yaml'),
  `apiVersion: v1
kind: Pod
metadata: { name: train }
spec: { containers: [{ name: main, image: i, command: [env] }] }
`,
);
writeFileSync(path.join(folder, 'calls.yaml'), settings());

test.each([
  ['ClientException', 'BH_ERR_API', 'ClientException: said by the service'],
  ['ResourceLimitExceeded', 'BH_ERR_API', 'ResourceLimitExceeded: said by the service'],
  ['UnrecognizedClientException', 'BH_ERR_CREDENTIALS', 'UnrecognizedClientException'],
  ['ExpiredTokenException', 'BH_ERR_CREDENTIALS', 'the credentials have ended'],
  ['AccessDeniedException', 'BH_ERR_STORE_DENIED', 'AccessDeniedException'],
])('%s is %s', async (said, code, what) => {
  const words = ['submit', 'sagemaker-training', '-f', 'calls.pod.yaml', '-c', 'calls.yaml'];
  const env = {
    AWS_ENDPOINT_URL_SAGEMAKER: `http://127.0.0.1:${server.port}/${said}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  };
  const { err } = await callMeanwhile(words, env);
  expect(err).toContain(`code: ${code}`);
  expect(err).toContain(what);
});
