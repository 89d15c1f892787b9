// Recorded pods through the platforms: `bellhop submit` renders the request, the simulator takes or
// refuses it and starts the container, and a program in it sees what a real kubelet gave.
// round-trip-report.ts takes all of them through, and prints what differs.
import { afterAll, describe, expect, test } from 'bun:test';
import path from 'node:path';
import type { Base } from '../kubelet/rootfs.ts';
import { removeBase } from '../kubelet/rootfs.ts';
import { missingForContainers, tryBase } from '../kubelet/setting.ts';
import type { Container, Vector } from '../kubelet/vectors.ts';
import { awsCall, keyOf } from '../real/_aws-call.ts';
import { realServer } from '../real/_servers.ts';
import { built } from '../support/built.ts';
import { skipVisibly } from '../support/need.ts';
import { s3Bucket } from './_aws.ts';
import { type AwsRequest, judgedByBotocore, noBotocore } from '../support/botocore.ts';
import { MADE, made, pod } from './_pods.ts';
import type { Declared, Rendered, Road, Way } from './_road.ts';
import { carry, roundTrip } from './_round-trip.ts';
import { submitBy } from './_submit.ts';
import { openWeb } from './_web.ts';
import { FURTHER, ISOLATED, MORE, WAYS } from './_ways.ts';
import { awsStage } from './_worlds.ts';

const BUCKET = 'sim-round-trip';
const DIST = path.join(import.meta.dirname, '../../dist');
const PODS = `argv-both argv-expand argv-non-utf8-from-secret configmap-fsgroup env-131071-string
  envfrom-1000-keys envfrom-odd-keys envfrom-secret-non-utf8 expand-services fieldref-status
  mount-nested-secret-in-emptydir projected-mixed secret-900k secret-item-modes
  secret-optional-missing-key subpath-secret-key user-fsgroup workdir-pod`.split(/\s+/);
const FEW = ['argv-both', 'envfrom-odd-keys', 'secret-item-modes', 'expand-services'];
const WITHOUT_SECRETS = ['argv-both', 'configmap-fsgroup', 'expand-services'];

/** What the fields of a few platforms give, and the others refuse. */
const TERMINAL = ['stdin', 'stdin-once', 'tty'];
const WITH_TERMINAL = ['ecs', 'nomad'];
/** Arguments alone, and another user than the image's. */
const JUDGED = `argv-cmd-only-image-args example-flyte-aws-injector example-flyte-env-secret
  example-flyte-mixed-secrets`.split(/\s+/);
const OTHER_USER = ['example-spark-driver', 'user-image-name-overridden'];
const WITH_USER = ['ecs', 'aws-batch', 'nomad'];

const stage = await awsStage('round trips');
const { kind } = built();
const reasons = [
  ...missingForContainers(),
  ...(kind === 'launcher' ? [] : ['the launcher is not built (cc)']),
];
const base: Base | string = reasons.length === 0 ? tryBase() : reasons.join('; ');
const isHere = stage.isHere && typeof base !== 'string';
if (typeof base === 'string') skipVisibly('round trips', [base]);
const web = openWeb();
afterAll(() => {
  submit[Symbol.dispose]();
  web.close();
  if (typeof base !== 'string') removeBase(base);
  stage.close();
});

const rendered: { target: string; requests: Readonly<Record<string, unknown>> }[] = [];
const submit = submitBy(path.join(DIST, 'bellhop'), stage.aws);

async function render(declared: Declared, target: string): Promise<Rendered> {
  const came = await submit(declared, target);
  if ('requests' in came) rendered.push({ target, requests: came.requests });
  return came;
}

function road(by: Road['render'] = render): Road {
  if (typeof base === 'string') throw new Error(base);
  return { ...stage, web, base, dist: DIST, bucket: BUCKET, render: by };
}

const [training, , , plain] = WAYS;

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

async function arrives(vector: Vector, way: Way): Promise<void> {
  const arrived = await roundTrip(vector, road(), way);
  expect(arrived.length).toBeGreaterThan(0);
  for (const { refused, differences } of arrived) {
    expect({ refused, differences }).toEqual({ refused: undefined, differences: [] });
  }
}

const hasUser = ({ name }: Way): boolean => WITH_USER.includes(name);

const titled = (ways: readonly Way[]): [string, Way][] =>
  ways.map((way) => [way.title ?? way.name, way]);

describe.skipIf(!isHere).each(titled(WAYS))('through %s', (_, way) => {
  test.each(PODS)('%s arrives as a kubelet gives it', async (id) => arrives(pod(id), way));

  test.each(JUDGED)('%s arrives as a kubelet gives it', async (id) => arrives(pod(id), way));
});

describe.skipIf(!isHere).each(titled([...MORE, ...FURTHER]))('through %s', (_, way) => {
  const few = way.few ?? FEW;
  test.each([...few])('%s arrives as a kubelet gives it', async (id) => arrives(pod(id), way));
});

describe.skipIf(!isHere).each(titled([...WAYS, ...MORE, ...FURTHER]))('%s', (_, way) => {
  const hasTerminal = WITH_TERMINAL.includes(way.name);
  test.each(TERMINAL)(`${hasTerminal ? 'gives' : 'refuses'} %s`, async (id) => {
    if (hasTerminal) return arrives(pod(id), way);
    const [one] = await roundTrip(pod(id), road(), way);
    expect(one?.refused).toContain(`submit: { without: [`);
  });
  test('content of the image at a mount path is in the way', async () => {
    const [one] = await roundTrip(pod('configmap-over-image-dir'), road(), way);
    const said = one?.refused ?? JSON.stringify(one?.differences);
    expect(said).toMatch(/BH_ERR_PATH_TAKEN|only what lies below \/tmp/);
  });
});

describe.skipIf(!isHere).each(titled([...WAYS, ...FURTHER].filter(hasUser)))('%s', (_, way) => {
  test.each(OTHER_USER)('becomes whom %s wants', async (id) => arrives(pod(id), way));
});

describe.skipIf(!isHere)('without a network', () => {
  test.each(WITHOUT_SECRETS)('%s arrives', async (id) => arrives(pod(id), ISOLATED));
  test('what a store has is refused', async () => {
    const [one] = await roundTrip(pod('secret-item-modes'), road(), ISOLATED);
    expect(one?.refused).toContain('no network');
  });
});

describe.skipIf(!isHere).each(titled([...WAYS, ...MORE, ISOLATED, ...FURTHER]))(
  'over the caps of %s',
  (_, way) => {
    test.each(Object.keys(MADE))('%s arrive', async (name) => arrives(made(MADE[name]!), way));
  },
);

/** A container that wants a Secret that is nowhere. */
function wanting(): { vector: Vector; container: Container } {
  const vector = structuredClone(pod('env-literals'));
  const [container] = vector.pod.spec.containers;
  if (container === undefined) throw new Error(vector.id);
  const secretKeyRef = { name: 'nowhere', key: 'password' };
  container.env = [{ name: 'A', valueFrom: { secretKeyRef } }] as never;
  return { vector, container };
}

describe.skipIf(!isHere)('a job that cannot have its secret', () => {
  test('fails, starts nothing, and tells SageMaker which', async () => {
    const ran = await carry(wanting(), road(), training!);
    if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
    expect([ran.status, ran.outcome.stdout]).toEqual(['Failed', '']);
    expect(ran.reason).toContain('nowhere');
    expect(ran.outcome.files.has('/opt/ml/output/failure')).toBe(true);
  });

  // Lambda asks nobody to end.
  test.each(titled([...WAYS, ...MORE, ...FURTHER].filter(({ name }) => name !== 'lambda-image')))(
    'is stopped by SIGTERM while it waits: %s',
    async (_, way) => {
      const { promise: stopAfter, resolve } = Promise.withResolvers<void>();
      const store = Bun.listen({
        hostname: '127.0.0.1',
        port: 0,
        socket: { data: () => resolve() }, // takes requests, and never answers
      });
      try {
        const aws = { ...stage.aws, reachable: [store.port] };
        const reached = { ...web, port: store.port };
        const more = {
          aws,
          web: reached,
          store: `http://127.0.0.1:${store.port}`,
          wish: { stopAfter },
        };
        const ran = await carry(wanting(), { ...road(), ...more }, way);
        if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
        expect([ran.outcome.ended, ran.outcome.exit, ran.outcome.stdout]).toEqual([
          'stopped',
          143,
          '',
        ]);
      } finally {
        store.stop(true);
      }
    },
  );
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
