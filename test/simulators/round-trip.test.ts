// Recorded pods through the platforms: `bellhop submit` renders the request, the simulator takes or
// refuses it and starts the container, and a program in it sees what a real kubelet gave.
// round-trip-report.ts takes all of them through, and prints what differs.
import { afterAll, describe, expect, test } from 'bun:test';
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { missingForContainers, tryBase } from '../kubelet/setting.ts';
import { GOLDEN, readVectors, type Vector } from '../kubelet/vectors.ts';
import { keyOf } from '../real/_aws-call.ts';
import { awsCall } from '../real/_aws-call.ts';
import { realServer } from '../real/_servers.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { s3Bucket } from './_aws.ts';
import { type AwsRequest, judgedByBotocore, noBotocore } from './_botocore.ts';
import { type Declared, type Rendered, type Road, roundTrip } from './_round-trip.ts';
import { submitBy } from './_submit.ts';
import { WAYS } from './_ways.ts';
import { awsStage } from './_worlds.ts';

const BUCKET = 'sim-round-trip';
const DIST = path.join(import.meta.dirname, '../../dist');
const PODS = `argv-both argv-expand argv-bytes argv-non-utf8-from-secret configmap-fsgroup
  env-131071-string envfrom-1000-keys envfrom-odd-keys envfrom-secret-non-utf8 expand-escape
  expand-services fieldref-status mount-nested-secret-in-emptydir projected-mixed secret-900k
  secret-item-modes secret-items-nested secret-optional-missing-key subpath-secret-key
  user-fsgroup user-image-groups workdir-pod`.split(/\s+/);

/** What none of the platforms has, and what differs then. */
const IMPOSSIBLE: readonly (readonly [pod: string, why: string, paths: readonly string[]])[] = [
  ['stdin', 'nobody holds standard input open', ['fds[0]']],
  ['tty', 'there is no terminal', ['env[TERM]', 'fds[0]', 'fds[1]', 'fds[2]']],
  ['configmap-over-image-dir', 'nothing hides what the image has, without mounts', ['start']],
];

const stage = await awsStage('round trips');
const { kind } = built();
const reasons = [
  ...missingForContainers(),
  ...(kind === 'launcher' ? [] : ['the launcher is not built (cc)']),
];
const base: Base | string = reasons.length === 0 ? tryBase() : reasons.join('; ');
const isHere = stage.isHere && typeof base !== 'string';
if (typeof base === 'string') skipVisibly('round trips', [base]);
const api = Bun.serve({ port: 0, fetch: () => new Response('', { status: 400 }) });
afterAll(() => {
  void api.stop(true);
  if (typeof base !== 'string') removeBase(base);
  stage.close();
});

const rendered: { target: string; requests: Readonly<Record<string, unknown>> }[] = [];
const submit = submitBy(path.join(DIST, 'bellhop'), stage.aws, `http://127.0.0.1:${api.port}`);

async function render(declared: Declared, target: string): Promise<Rendered> {
  const came = await submit(declared, target);
  if ('requests' in came) rendered.push({ target, requests: came.requests });
  return came;
}

function road(by: Road['render'] = render): Road {
  if (typeof base === 'string') throw new Error(base);
  return { ...stage, base, dist: DIST, bucket: BUCKET, render: by };
}

function pod(id: string): Vector {
  const [vector] = readVectors(path.join(GOLDEN, `${id}.json`));
  if (vector === undefined) throw new Error(id);
  return vector;
}

const [, , , plain] = WAYS;
if (isHere) await s3Bucket(stage.aws, BUCKET);

describe.skipIf(!isHere)('the judge', () => {
  const started = (env: Record<string, string>) => async () => ({
    requests: {
      execve: { argv: ['/probe'], env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env } },
    },
  });
  const pathsOf = async (by: Road['render']): Promise<string[]> => {
    const [one] = await roundTrip(pod('env-literals'), road(by), plain!);
    return (one?.differences ?? []).map(({ path: at }) => at).toSorted();
  };
  const given = pod('env-literals').pod.spec.containers[0]?.env ?? [];
  const right = Object.fromEntries(given.map(({ name, value = '' }) => [name, value]));
  const first = given[0]?.name ?? '';

  test('finds nothing where the program is started with what the pod says', async () => {
    expect(await pathsOf(started(right))).toEqual([]);
  });
  test('finds a value that is wrong, one that lacks, and one too many', async () => {
    expect(await pathsOf(started({ ...right, [first]: 'wrong' }))).toEqual([`env[${first}]`]);
    const { [first]: _, ...less } = right;
    expect(await pathsOf(started(less))).toEqual([`env[${first}]`]);
    expect(await pathsOf(started({ ...right, BELLHOP_PLAN: 'x' }))).toEqual(['env[BELLHOP_PLAN]']);
  });
  test('finds that the request was refused', async () => {
    expect(await pathsOf(async () => ({ requests: { execve: {} } }))).toEqual(['request']);
  });
});

describe.skipIf(!isHere).each([...WAYS])('through $name', (way) => {
  test.each(PODS)('%s arrives as a kubelet gives it', async (id) => {
    const arrived = await roundTrip(pod(id), road(), way);
    expect(arrived.length).toBeGreaterThan(0);
    for (const { refused, differences } of arrived) {
      expect({ refused, differences }).toEqual({ refused: undefined, differences: [] });
    }
  });

  test.each([...IMPOSSIBLE])('%s differs, since %s', async (id, _, paths) => {
    const [one] = await roundTrip(pod(id), road(), way);
    expect(one?.differences.map(({ path: at }) => at)).toEqual([...paths]);
  });
});

const SERVICES = {
  CreateTrainingJob: 'sagemaker',
  RegisterJobDefinition: 'batch',
  SubmitJob: 'batch',
  RegisterTaskDefinition: 'ecs',
  RunTask: 'ecs',
} as const;

describe.skipIf(!isHere)('every request that was rendered', () => {
  test('is taken by botocore and its models', async () => {
    expect(await noBotocore()).toBeUndefined();
    const calls = rendered.flatMap(({ requests }) =>
      Object.entries(requests).flatMap(([operation, input]): AwsRequest[] => {
        const service = SERVICES[operation as keyof typeof SERVICES];
        return service === undefined ? [] : [{ service, operation, input }];
      }),
    );
    expect(calls.length).toBeGreaterThan(PODS.length * 3);
    const problems = judgedByBotocore(calls).flatMap(({ botocore, model }, at) =>
      botocore === '' && model.length === 0 ? [] : [[calls[at]?.operation, botocore, ...model]],
    );
    expect(problems).toEqual([]);
  });

  test('for a training job is answered by moto', async () => {
    const moto = await realServer('moto');
    const job = rendered.find(({ target }) => target === 'sagemaker-training');
    const answer = await awsCall({
      service: 'sagemaker',
      url: `${moto.get('AWS_ENDPOINT_URL')}/`,
      target: 'SageMaker.CreateTrainingJob',
      body: job?.requests['CreateTrainingJob'] as object,
      key: keyOf(moto),
    });
    expect(await answer.json()).toHaveProperty('TrainingJobArn');
  });
});
