// What a pod asks of cpu and memory, as each way to start it on AWS Batch takes it.
import { expect, test } from 'bun:test';
import batch from '../../src/targets/aws-batch.ts';
import type { Needs } from '../../src/plan/needs.ts';
import type { JsonObject } from '../../src/targets/_caps.ts';
import { nodesAt } from '../../src/targets/_caps.ts';

const FARGATE = { platformCapabilities: ['FARGATE'] };
const amount = (type: string, value: string) => ({ type, value });

const ROWS: readonly (readonly [string, Needs, JsonObject, readonly JsonObject[]])[] = [
  // botocore 1.44.5: `For Amazon EC2 resources, you must specify at least one vCPU.`
  [
    'EC2 takes whole processors, at least one',
    { cpus: 0.25, memoryMiB: 954 },
    {},
    [amount('VCPU', '1'), amount('MEMORY', '954')],
  ],
  ['EC2 takes the next whole processor', { cpus: 1.5 }, {}, [amount('VCPU', '2')]],
  [
    'Fargate takes the next larger size',
    { cpus: 0.25, memoryMiB: 954 },
    FARGATE,
    [amount('VCPU', '0.25'), amount('MEMORY', '1024')],
  ],
  [
    'Fargate has processors for its memory',
    { cpus: 0.5, memoryMiB: 6000 },
    FARGATE,
    [amount('VCPU', '1'), amount('MEMORY', '6144')],
  ],
  [
    'Fargate has memory for its processors',
    { cpus: 3, memoryMiB: 100 },
    FARGATE,
    [amount('VCPU', '4'), amount('MEMORY', '8192')],
  ],
  [
    'what is given there stays',
    { cpus: 0.1, memoryMiB: 300 },
    {
      ...FARGATE,
      containerProperties: { resourceRequirements: [amount('MEMORY', '2048')] },
    },
    [amount('MEMORY', '2048'), amount('VCPU', '0.25')],
  ],
  ['what the pod does not say is not said', {}, FARGATE, []],
];

test.each([...ROWS])('%s', (...row) => {
  const [, needs, given, expected] = row;
  const requests = batch.render({
    name: 'job',
    digest: 'd',
    image: 'i',
    container: 'main',
    start: [],
    needs,
    given: (operation) => (operation === 'RegisterJobDefinition' ? given : {}),
    variables: [],
    secrets: [],
    hyperparameters: [],
  });
  const at = 'containerProperties.resourceRequirements[]';
  expect(nodesAt(requests[0]?.input ?? {}, at)).toEqual([...expected]);
});
