import { describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CANARY, bellhop, call, folder } from '../cli/_call.ts';
import { job, settings, submit } from './_cli.ts';

const environmentIn = (out: string): Record<string, string> => {
  const { requests } = JSON.parse(out) as { requests: { input: { Environment: object } }[] };
  return { ...(requests[0]?.input.Environment as Record<string, string>) };
};

describe('what no target has is told all at once, each with the nearest way', () => {
  const pod = job(
    `hostNetwork: true
volumes:
- { name: data, persistentVolumeClaim: { claimName: d } }
- { name: host, hostPath: { path: /x } }`,
    `securityContext: { privileged: true }
resources: { limits: { nvidia.com/gpu: 1 } }
volumeMounts: [{ name: data, mountPath: /data }, { name: host, mountPath: /host }]
- { name: agent, image: statsd }`.replace(/^- \{ name: agent/m, '#'),
  ).concat('      - { name: agent, image: statsd }\n');
  const expected = [
    'spec.hostNetwork',
    'persistentVolumeClaim',
    'hostPath',
    'privileged',
    'nvidia.com/gpu',
    'the container agent runs beside it',
  ];
  test.each(['sagemaker-training', 'lambda-image'])('%s', (target) => {
    const { code, err } = submit(target, { pod, flags: ['--dry-run', '--container', 'main'] });
    expect(code).toBe(65);
    for (const one of expected) expect(err).toContain(one);
    expect(err.match(/^ {2}help: \S/gm)?.length).toBeGreaterThanOrEqual(expected.length);
  });
  test('what the job can do without is named in bellhop.yaml', () => {
    const words = '  without: [agent, privileged, hostNetwork, nvidia.com/gpu]\n';
    const yaml = `${settings(words)}volumes: { data: present, host: present }\n`;
    const flags = ['--dry-run', '--container', 'main'];
    const { code, err } = submit('sagemaker-training', { pod, yaml, flags });
    expect([code, err]).toEqual([0, '']);
  });
});

describe('a sidecar', () => {
  const pod = (image: string): string =>
    `${job('', '')}      - { name: beside, image: ${image} }\n`;
  const metrics = `${settings()}metrics: { statsd: gateway:8125 }\n`;
  const flags = ['--dry-run', '--container', 'main'];
  test('that a setting stands in for is not missed', () => {
    const submitted = submit('sagemaker-training', {
      pod: pod('prom/statsd-exporter'),
      yaml: metrics,
      flags,
    });
    expect([submitted.code, submitted.err]).toEqual([0, '']);
  });
  test.each([
    ['that nothing stands in for', 'prom/statsd-exporter', settings(), 'metrics: { statsd: HOST'],
    ['that is none', 'postgres', metrics, 'beside it'],
    ['that writes secrets', 'hashicorp/vault', metrics, 'templates of its annotations are not'],
  ])('%s is refused, with the nearest way', (...[, image, yaml, way]) => {
    const { code, err } = submit('sagemaker-training', { pod: pod(image), yaml, flags });
    expect([code, err.includes(way)]).toEqual([65, true]);
    expect(err).toContain('without: [beside]');
  });
});

describe('secrets', () => {
  const pod = `${job('', 'envFrom: [{ secretRef: { name: db } }]')}---
apiVersion: v1
kind: Secret
metadata: { name: db }
stringData: { password: ${CANARY} }
`;
  test('a Secret of the input is refused, whatever the target', () => {
    for (const target of ['sagemaker-training', 'ecs', 'local']) {
      const { code, err } = submit(target, { pod });
      expect([code, err]).toEqual([65, expect.stringContaining('BH_ERR_SUBMIT_SECRET')]);
      expect(err).toContain('secret db: stands in the input');
      expect(err).toContain('bind it to a store');
    }
  });
});

describe('what bellhop.yaml must say', () => {
  const rows: [string, string, string, string][] = [
    [
      'lambda-image',
      settings(),
      '78',
      'submit.targets.lambda-image.CreateFunction, Role: is needed',
    ],
    ['nosuch', settings(), '64', 'there is no target nosuch'],
    ['sagemaker-training', settings('    nosuch: { X: {} }\n'), '78', 'there is no such target'],
    [
      'sagemaker-training',
      settings('').replace('CreateTrainingJob:', 'CreateJob:'),
      '78',
      'is no operation of this target (CreateTrainingJob)',
    ],
    [
      'sagemaker-training',
      settings('  spill: nosuch:x/y\n'),
      '78',
      'names a store that is not declared',
    ],
    [
      'sagemaker-training',
      settings('  hyperparameters: { values: { a: 1 }, file: /x }\n'),
      '78',
      'needs one of `configMap`, `file` and `values`',
    ],
    [
      'sagemaker-training',
      settings('  hyperparameters: { configMap: nosuch }\n'),
      '78',
      'there is no ConfigMap nosuch in the input',
    ],
  ];
  test.each(rows)('%s: %#', (...row) => {
    const [target, yaml, code, what] = row;
    const done = submit(target, { pod: job(''), yaml });
    expect([String(done.code), done.err]).toEqual([code, expect.stringContaining(what)]);
    if (what.endsWith('is needed')) expect(done.err).toContain('BH_ERR_SUBMIT_FIELD');
  });
  test('a pod without a command needs to know what the image starts', () => {
    const pod = job('').replace('command: [env]', '');
    const without = submit('sagemaker-training', { pod });
    expect([without.code, without.err]).toEqual([65, expect.stringContaining('BH_ERR_NO_COMMAND')]);
    const flags = ['--dry-run', '--image-entrypoint', '["python","train.py"]'];
    expect(submit('sagemaker-training', { pod, flags }).code).toBe(0);
  });
  test('Batch cannot replace an ENTRYPOINT', () => {
    const yaml = settings('    aws-batch: { SubmitJob: { jobQueue: q } }\n');
    const flags = ['--dry-run', '--image-entrypoint', '["/entry.sh"]'];
    const { code, err } = submit('aws-batch', { pod: job(''), yaml, flags });
    expect([code, err]).toEqual([65, expect.stringContaining('aws-batch, ENTRYPOINT')]);
    expect(err).toContain('BH_ERR_TARGET');
  });
  test('a name of the user that the platform does not take breaks its cap', () => {
    const flags = ['--dry-run', '--name', 'not_a_name'];
    const { code, err } = submit('sagemaker-training', { pod: job(''), flags });
    expect([code, err]).toEqual([65, expect.stringContaining('BH_ERR_CAP')]);
    expect(err).toContain('sagemaker-training, CreateTrainingJob, TrainingJobName');
  });
});

describe('what is printed', () => {
  const pod = job('', 'env: [{ name: A, value: one }, { name: my.key, value: two }]');
  test('--only prints a request that the platform takes as it is', () => {
    const flags = ['--dry-run', '--only', 'CreateTrainingJob'];
    const { code, out } = submit('sagemaker-training', { pod, flags });
    expect(code).toBe(0);
    expect(Object.keys(JSON.parse(out) as object)).toContain('AlgorithmSpecification');
    const wrong = submit('sagemaker-training', { pod, flags: ['--dry-run', '--only', 'X'] });
    expect([wrong.code, wrong.err]).toEqual([64, expect.stringContaining('CreateTrainingJob')]);
  });
  test('--explain tells each cap, what is used of it, and what went where', () => {
    const { code, out } = submit('sagemaker-training', { pod, flags: ['--explain'] });
    expect(code).toBe(0);
    expect(out).toMatch(/CreateTrainingJob\.Environment +entries +\d+ +100 +botocore/);
    expect(out).toMatch(/variable +A +request/);
    expect(out).toMatch(/variable +my\.key +plan +its name is not of the form/);
    expect(out).toContain('nothing is spilled');
  });
  test('explain --target tells the same beside the plan', () => {
    const yaml = settings('    lambda-image: { CreateFunction: { Role: r } }\n');
    submit('lambda-image', { pod, yaml });
    const words = ['explain', '-f', 'job.yaml', '-c', 'submit.yaml', '--target', 'lambda-image'];
    const { code, out } = call(words);
    expect(code).toBe(0);
    expect(out).toMatch(/my\.key +literal +spec\.template\.spec\.containers\[0\]\.env\[1\]/);
    expect(out).toMatch(/CreateFunction\.Environment\.Variables +JSON +\d+ +4096/);
  });
  test('--explain tells of hyperparameters that the toolkit cannot take', () => {
    const file = path.join(folder, 'parameters.json');
    const yaml = settings(`  spill: s3:b/j\n  hyperparameters: { file: ${file} }\n`);
    for (const [length, isTold] of [
      [129_016, false],
      [129_017, true],
    ] as const) {
      writeFileSync(file, JSON.stringify({ a: 'x'.repeat(length) }));
      const { code, out, err } = submit('sagemaker-training', { pod, yaml, flags: ['--explain'] });
      expect(code).toBe(0);
      expect(out.includes('the sagemaker-training toolkit, which puts')).toBe(isTold);
      // The program may be another.
      expect(err).toBe('');
      expect(out).toContain('since the hyperparameters are over the caps of the request');
    }
  });
});

describe('an image that bellhop starts already', () => {
  const yaml = settings('    sagemaker-model: { CreateModel: { ExecutionRoleArn: r } }\n');
  const environment = (out: string): Record<string, string> => {
    const { requests } = JSON.parse(out) as {
      requests: { input: { PrimaryContainer: { Environment: Record<string, string> } } }[];
    };
    return requests[0]?.input.PrimaryContainer.Environment ?? {};
  };
  test("the pod's command counts, whatever word the platform adds", () => {
    const pod = job('').replace(
      'command: [env]',
      'command: [echo, "$(A)"]\n        env: [{ name: A, value: one }]',
    );
    const { out } = submit('sagemaker-model', { pod, yaml });
    expect(call(['run', '--', 'serve'], environment(out))).toEqual({
      code: 0,
      out: 'one\n',
      err: '',
    });
  });
  test('without one the words that follow are started, as they are', () => {
    const pod = job('', 'env: [{ name: A, value: one }]').replace('command: [env]', '');
    const { code, out } = submit('sagemaker-model', { pod, yaml });
    expect(code).toBe(0);
    const words = ['run', '--', 'sh', '-c', 'echo $A $0', 'serve'];
    expect(call(words, environment(out))).toEqual({ code: 0, out: 'one serve\n', err: '' });
  });
});

describe('a plain process', () => {
  const big = Array.from({ length: 3000 }, (_, n) => `{ name: V${n}, value: "${n}-${n * 7919}" }`);
  const yaml = `${settings('  spill: files:jobs/{job}\n')}`;
  test('what is spilled to a folder is found there by the start', () => {
    mkdirSync(path.join(folder, 'spilled'), { recursive: true });
    const pod = job('', `env: [${big.join(', ')}]`);
    const { code, out, err } = submit('sagemaker-training', { pod, yaml });
    expect([code, err]).toEqual([0, '']);
    const own = environmentIn(out);
    expect(own['BELLHOP_PLAN']).toMatch(/^files:jobs\/train\/[0-9a-f]{64}\/bellhop\.bundle$/);
    const missing = call(['run'], own);
    expect([missing.code, missing.err]).toEqual([69, expect.stringContaining('BH_ERR_MISSING')]);
    expect(missing.err).toContain('submit the job again');
    const done = submit('local', { pod, yaml, flags: [] });
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/^env BELLHOP_PLAN=files:/)]);
    const [, words = ''] = done.out.split('env ');
    const started = Bun.spawnSync([
      'sh',
      '-c',
      `env ${words.replace(/ bellhop run\n$/, '')} ${bellhop} run`,
    ]);
    expect([started.exitCode, started.stderr.toString()]).toEqual([0, '']);
    expect(started.stdout.toString()).toContain(`V2999=2999-${2999 * 7919}\n`);
    // As an input channel brings it: a file.
    const [, at = ''] = /files:(\S+)/.exec(words) ?? [];
    const plan = path.join(folder, 'spilled', at);
    const fromFile = call(['run', '--plan', plan]);
    expect([fromFile.code, fromFile.out]).toEqual([0, expect.stringContaining('V7=7-')]);
  });
  test('what the job is started with is a command line', () => {
    const pod = job('', 'env: [{ name: A, value: "one two" }]');
    const { out } = submit('local', { pod });
    const { requests } = JSON.parse(out) as {
      requests: { command: string; input: { env: Record<string, string> } }[];
    };
    expect(requests[0]?.command).toMatch(/^env BELLHOP_PLAN=inline:1 .* 'A=one two' bellhop run$/);
    const started = call(['run'], requests[0]?.input.env ?? {});
    expect([started.code, started.out]).toEqual([0, expect.stringContaining('A=one two\n')]);
    expect(started.out).not.toContain('BELLHOP_');
  });
  test.each([
    [{ BELLHOP_PLAN: 'inline:2' }, 'there is no BELLHOP_PLAN_2, and it has 2 parts'],
    [{ BELLHOP_PLAN_1: 'AAAA' }, 'is not what `bellhop submit` or `adapt` put there'],
    [{ BELLHOP_PLAN_DIGEST: `sha256:${'0'.repeat(64)}` }, 'BELLHOP_PLAN_DIGEST says'],
    [{ BELLHOP_PLAN: 'nosuch:a/b' }, 'there is no kind nosuch'],
    [{ BELLHOP_PLAN: 's3:a/b', BELLHOP_PLAN_STORES: 'x' }, 'must be a JSON object of stores'],
  ])('a pointer that leads nowhere is refused: %j', (changed, what) => {
    const { out } = submit('local', { pod: job('') });
    const { requests } = JSON.parse(out) as {
      requests: { input: { env: Record<string, string> } }[];
    };
    const { code, err } = call(['run'], { ...requests[0]?.input.env, ...changed });
    expect([code === 0, err]).toEqual([false, expect.stringContaining(what)]);
  });
});
