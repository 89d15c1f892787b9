// What `submit` takes and refuses is what the container of that platform can be given.
import { describe, expect, test } from 'bun:test';
import type { Json } from '../../src/core/canonical.ts';
import { nodesAt } from '../../src/targets/_caps.ts';
import { job, settings, submit } from './_cli.ts';

const OTHERS = `    ecs:
      RegisterTaskDefinition: { containerDefinitions: [{ memory: 512 }] }
    aws-batch:
      RegisterJobDefinition:
        containerProperties:
          resourceRequirements: [{ type: VCPU, value: '1' }, { type: MEMORY, value: '512' }]
      SubmitJob: { jobQueue: q }
    lambda-image: { CreateFunction: { Role: r } }
    sagemaker-model: { CreateModel: { ExecutionRoleArn: r } }
`;
const yaml = settings(OTHERS);
const KEEP = `${yaml}policy: { identity: keep }\n`;

const image = (told: { user?: string; entrypoint?: string[]; cmd?: string[]; workdir?: string }) =>
  Object.entries(told).flatMap(([name, one]) => [
    `--image-${name}`,
    typeof one === 'string' ? one : JSON.stringify(one),
  ]);

interface Asked {
  readonly pod?: string;
  readonly yaml?: string;
  readonly told?: string[];
}

function dry(target: string, { pod = job(''), yaml: of = yaml, told = [] }: Asked) {
  return submit(target, { pod, yaml: of, flags: ['--dry-run', ...told] });
}

function inputs(out: string): Record<string, Json> {
  const { requests } = JSON.parse(out) as { requests: { operation: string; input: Json }[] };
  return Object.fromEntries(requests.map(({ operation, input }) => [operation, input]));
}

const argumentsOnly = job('').replace('command: [env]', 'args: [echo, from-args]');

describe('a pod with arguments alone', () => {
  const told = image({ cmd: ['/nosuch'] });
  test.each(['sagemaker-training', 'aws-batch', 'ecs', 'local', 'nomad'])(
    '%s: is taken where the image has a CMD and no ENTRYPOINT',
    (target) => {
      const { code, err } = dry(target, { pod: argumentsOnly, told });
      expect([code, err]).toEqual([0, '']);
    },
  );
  test('an image told to have no ENTRYPOINT is as good', () => {
    const { code } = dry('local', { pod: argumentsOnly, told: image({ entrypoint: [] }) });
    expect(code).toBe(0);
  });
  test('an image that starts bellhop itself is told to start them', () => {
    const { code, out } = dry('sagemaker-model', { pod: argumentsOnly, told });
    expect(code).toBe(0);
    const [own] = nodesAt(inputs(out)['CreateModel'] ?? {}, 'PrimaryContainer.Environment');
    expect(own).toHaveProperty('BELLHOP_COMMAND', 'plan');
  });
  test('is refused where nobody says what the image is', () => {
    const { code, err } = dry('ecs', { pod: argumentsOnly });
    expect([code, err]).toEqual([65, expect.stringContaining('BH_ERR_NO_COMMAND')]);
  });
  test('an image with a CMD alone is started without them', () => {
    const pod = job('').replace('command: [env]', '');
    expect(dry('ecs', { pod, told: image({ cmd: ['env'] }) }).code).toBe(0);
    expect(dry('ecs', { pod, told: image({ entrypoint: [] }) }).code).toBe(65);
  });
});

const as = (context: string, volume = ''): string =>
  job(
    `securityContext: { ${context} }\nvolumes: [{ name: v, emptyDir: {} }]`,
    volume === '' ? '' : `volumeMounts: [{ name: v, mountPath: ${volume} }]`,
  );
const USER_AT = {
  ecs: ['RegisterTaskDefinition', 'containerDefinitions[].user'],
  'aws-batch': ['RegisterJobDefinition', 'containerProperties.user'],
  nomad: ['RegisterJob', 'Job.TaskGroups[].Tasks[].User'],
} as const;

describe.each(Object.entries(USER_AT))('%s starts the container as', (target, [operation, at]) => {
  test.each<[string, string, string[], string[]]>([
    ['root, whom the pod has another user for', 'runAsUser: 1000', image({ user: '1001' }), ['0']],
    ['root, if the image may have one', 'runAsUser: 1000', [], ['0']],
    ['root, for the groups of the pod', 'fsGroup: 2000', image({ user: '1001' }), ['0']],
    ['the user of the image, if it is root', 'runAsUser: 1000', image({ user: 'root' }), []],
    ['the user of the image, if it is asked for', 'runAsUser: 7', image({ user: '7' }), []],
    ['the user of the image, if nobody asks for one', 'seccompProfile: {}', [], []],
  ])('%s', (...row) => {
    const [, context, told, user] = row;
    const { code, out, err } = dry(target, { pod: as(context), told });
    expect([code, err]).toEqual([0, target === 'aws-batch' ? expect.any(String) : '']);
    expect(nodesAt(inputs(out)[operation] ?? {}, at)).toEqual(user);
  });
  test('root, where a volume has to be made', () => {
    const pod = as('seccompProfile: {}', '/data');
    const { out } = dry(target, { pod, told: image({ user: 'app' }) });
    expect(nodesAt(inputs(out)[operation] ?? {}, at)).toEqual(['0']);
  });
  test('whom the image has, where it is kept', () => {
    const { out } = dry(target, {
      pod: as('runAsUser: 1000'),
      yaml: KEEP,
      told: image({ user: '1001' }),
    });
    expect(nodesAt(inputs(out)[operation] ?? {}, at)).toEqual([]);
  });
});

describe('a user that nobody could become', () => {
  const pod = as('runAsUser: 1000');
  test('is refused where the image starts as another', () => {
    const { code, err } = dry('sagemaker-training', { pod, told: image({ user: '1001' }) });
    expect([code, err]).toEqual([65, expect.stringContaining('BH_ERR_TARGET')]);
    expect(err).toContain('securityContext');
    expect(err).toContain('starts as user 1001');
    const kept = dry('sagemaker-training', { pod, yaml: KEEP, told: image({ user: '1001' }) });
    expect(kept.code).toBe(0);
  });
  test.each([
    ['the USER of the image is not known', [], 'is not known'],
    ['a name may be that of the number', image({ user: 'app' }), 'USER app'],
  ])('is told where %s', (_, told, said) => {
    const { code, err } = dry('sagemaker-training', { pod, told });
    expect([code, err]).toEqual([0, expect.stringContaining(said)]);
    expect(err).toContain('warning');
  });
  test.each(['root', '0', '0:0', '1000'])('nothing is told of an image of USER %s', (user) => {
    const { code, err } = dry('sagemaker-training', { pod, told: image({ user }) });
    expect([code, err]).toEqual([0, '']);
  });
  test.each(['lambda-image', 'slurm-apptainer'])('%s has a user of its own', (target) => {
    for (const one of [{ pod }, { told: image({ user: 'app' }) }]) {
      const { code, err } = dry(target, one);
      expect([code, err]).toEqual([65, expect.stringContaining('policy: { identity: keep }')]);
      expect(dry(target, { ...one, yaml: KEEP }).code).toBe(0);
    }
  });
});

const mounted = (...paths: string[]): string =>
  job(
    `volumes:\n- { name: v, emptyDir: {} }\n- { name: c, configMap: { name: c } }`,
    `volumeMounts:\n${paths.map((at, n) => `- { name: ${'vc'[n]}, mountPath: ${at} }`).join('\n')}`,
  ).concat('---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { k: v }\n');

describe('Lambda, where only /tmp can be written', () => {
  test('every volume elsewhere is refused at once, with the nearest way', () => {
    const { code, err } = dry('lambda-image', { pod: mounted('/data', '/etc/conf') });
    expect(code).toBe(65);
    for (const one of ['/data', '/etc/conf', 'below /tmp', 'present }']) {
      expect(err).toContain(one);
    }
    expect(err.match(/code: BH_ERR_TARGET/g)).toHaveLength(2);
  });
  test('those below are taken', () => {
    expect(dry('lambda-image', { pod: mounted('/tmp/data', '/tmp/conf') }).code).toBe(0);
  });
  test('/tmp itself is not', () => {
    expect(dry('lambda-image', { pod: mounted('/tmp', '/tmp/conf') }).code).toBe(65);
  });
  test('files of bellhop.yaml too', () => {
    const files = (at: string): string => `${yaml}files: { ${at}: { from: s3:b/k } }\n`;
    const { code, err } = dry('lambda-image', { yaml: files('/etc/key') });
    expect([code, err]).toEqual([65, expect.stringContaining('/etc/key')]);
    const below = dry('lambda-image', { yaml: files('/tmp/key') });
    expect([below.code, below.err]).toEqual([65, expect.stringContaining('disk: allow')]);
    const allowed = `${files('/tmp/key')}policy: { disk: allow }\n`;
    expect(dry('lambda-image', { yaml: allowed }).code).toBe(0);
  });
  test('other targets take them', () => {
    expect(dry('ecs', { pod: mounted('/data', '/etc/conf') }).code).toBe(0);
  });
});

describe('standard input and a terminal', () => {
  const pod = job('', 'stdin: true\ntty: true');
  test.each([
    ['ecs', 'RegisterTaskDefinition', 'containerDefinitions[]', ['interactive', 'pseudoTerminal']],
    ['nomad', 'RegisterJob', 'Job.TaskGroups[].Tasks[].Config', ['interactive', 'tty']],
  ])('%s has fields for them', (...row) => {
    const [target, operation, at, names] = row;
    const { code, out } = dry(target, { pod });
    expect(code).toBe(0);
    const fields = (text: string): readonly Json[] =>
      names.flatMap((name) => nodesAt(inputs(text)[operation] ?? {}, `${at}.${name}`));
    expect(fields(out)).toEqual([true, true]);
    expect(fields(dry(target, {}).out)).toEqual([]);
  });
  test.each(['aws-batch', 'sagemaker-training', 'lambda-image', 'local'])(
    '%s has none, which is told with the nearest way',
    (target) => {
      const { code, err } = dry(target, { pod });
      expect(code).toBe(65);
      expect(err).toContain('containers[0].stdin');
      expect(err).toContain('containers[0].tty');
      const without = yaml.replace('  targets:', '  without: [stdin, tty]\n  targets:');
      expect(dry(target, { pod, yaml: without }).code).toBe(0);
    },
  );
});

describe('what the image has at a mount path', () => {
  const pod = mounted('/srv', '/etc/conf');
  const told = image({ workdir: '/srv/app' });
  test('is refused where it is known', () => {
    const { code, err } = dry('ecs', { pod, told });
    expect([code, err]).toEqual([65, expect.stringContaining('/srv')]);
    expect(err).toContain('overImage: merge');
    expect(err).not.toContain('/etc/conf');
  });
  test.each([
    ['merged', `${yaml}policy: { overImage: merge }\n`],
    ['hidden by a mount', yaml.replace('{ memory: 512 }', '{ memory: 512, privileged: true }')],
  ])('is taken where it is %s', (_, of) => {
    expect(dry('ecs', { pod, told, yaml: of }).code).toBe(0);
  });
  test.each(['/', '/etc', '/dev', '/proc', '/usr/local/bellhop'])('is known of %s', (at) => {
    const of = `${yaml.replace('  targets:', '  bellhop: /usr/local/bellhop/bellhop\n  targets:')}`;
    expect(dry('ecs', { pod: mounted(at, '/x'), yaml: of }).code).toBe(65);
  });
  test('is told by --explain as what cannot be known', () => {
    const explain = (of: string): string =>
      submit('ecs', { pod: mounted('/data', '/etc/conf'), yaml: of, flags: ['--explain'] }).out;
    expect(explain(yaml)).toMatch(/not known .*\/data, \/etc\/conf.*BH_ERR_PATH_TAKEN/);
    expect(explain(`${yaml}policy: { overImage: merge }\n`)).not.toContain('BH_ERR_PATH_TAKEN');
  });
});

describe('a user of the platform who may write here and there', () => {
  test('is told where the volumes are elsewhere', () => {
    const { code, err } = dry('slurm-apptainer', { pod: mounted('/data', '/tmp/conf') });
    expect([code, err]).toEqual([0, expect.stringContaining('warning: /data: the platform')]);
    expect(err).not.toContain('/tmp/conf');
    const root = settings(`    slurm-apptainer: { sbatch: { apptainer: [--fakeroot] } }\n`);
    const other = dry('slurm-apptainer', { pod: mounted('/data', '/tmp/conf'), yaml: root });
    expect([other.code, other.err]).toEqual([0, '']);
  });
});

describe('memory of ECS', () => {
  const withMemory = (definition: string, task: string, memory = ''): Record<string, Json> => {
    const of = settings(`    ecs:
      RegisterTaskDefinition: { containerDefinitions: [{ ${definition} }]${task} }
`);
    const pod = job('', memory === '' ? '' : `resources: { requests: { ${memory} } }`);
    const { code, out, err } = dry('ecs', { pod, yaml: of });
    return code === 0 ? inputs(out) : { refused: err };
  };
  const at = (made: Record<string, Json>, field: string): readonly Json[] =>
    nodesAt(made['RegisterTaskDefinition'] ?? {}, field);
  const CONTAINER = 'containerDefinitions[].memory';
  test('that of the task suffices', () => {
    expect(at(withMemory('', ", memory: '512'"), 'memory')).toEqual(['512']);
    expect(at(withMemory('memoryReservation: 64', ''), CONTAINER)).toEqual([]);
  });
  test('none at all is refused', () => {
    expect(withMemory('', '')['refused']).toContain('BH_ERR_SUBMIT_FIELD');
  });
  test.each([
    ['of the task', '', ", memory: '512'"],
    ['soft', 'memoryReservation: 64', ''],
  ])('one that is given (%s) has no hard one put over it', (_, definition, task) => {
    expect(at(withMemory(definition, task, 'memory: 1Gi'), CONTAINER)).toEqual([]);
  });
  test('that of the pod counts where none is given', () => {
    expect(at(withMemory('', '', 'memory: 1Gi'), CONTAINER)).toEqual([1024]);
    expect(at(withMemory('memory: 99', '', 'memory: 1Gi'), CONTAINER)).toEqual([99]);
  });
  test('nor does cpu of the pod go over what is given', () => {
    const cpu = 'containerDefinitions[].cpu';
    expect(at(withMemory('memory: 9', '', 'cpu: 2'), cpu)).toEqual([2048]);
    expect(at(withMemory('memory: 9, cpu: 5', '', 'cpu: 2'), cpu)).toEqual([5]);
    expect(at(withMemory('memory: 9', ", cpu: '256'", 'cpu: 2'), cpu)).toEqual([]);
  });
});
