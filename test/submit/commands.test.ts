// Platforms whose own tools make the request: what submit prints is a script that a shell runs.
import { afterAll, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { built } from '../support/built.ts';
import { ROOT } from '../support/source.ts';
import { PYTHON } from '../support/testbed.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PATH = `${path.join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
const VALUE = "it's $(A) ${B} `id`\nBELLHOP\n";
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'train' },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'i',
        command: ['env'],
        env: [
          { name: 'V', value: 'plain' },
          { name: 'ODD', value: VALUE },
        ],
      },
    ],
  },
};
const settings = {
  apiVersion: 'bellhop/v1',
  submit: {
    targets: {
      'azure-ml-command': {
        CreateCommandJob: { resource: '/subscriptions/s/w', properties: { computeId: 'c' } },
      },
      'azure-container-apps-job': {
        CreateOrUpdateJob: {
          resource: '/subscriptions/s/g',
          location: 'x',
          properties: { environmentId: 'e' },
        },
      },
      'databricks-job': {
        SubmitRun: {
          tasks: [
            {
              new_cluster: { spark_version: '1', node_type_id: 'n' },
              spark_python_task: { python_file: '/w' },
            },
          ],
        },
      },
      'slurm-apptainer': {
        sbatch: { options: { partition: 'gpu', time: '1:00:00' }, apptainer: ['--nv'] },
      },
    },
  },
};
writeFileSync(path.join(folder, 'pod.yaml'), JSON.stringify(pod));
writeFileSync(path.join(folder, 'bellhop.yaml'), JSON.stringify(settings));
mkdirSync(path.join(folder, 'bin'));
for (const tool of ['az', 'databricks', 'nomad', 'sbatch']) {
  const script = `#!/bin/sh\nn=$(ls ${folder} | grep -c seen-)\nprintf '%s\\0' ${tool} "$@" > ${folder}/seen-$n\ncat > ${folder}/stdin-$n\n`;
  writeFileSync(path.join(folder, 'bin', tool), script);
  chmodSync(path.join(folder, 'bin', tool), 0o755);
}

function call(words: readonly string[], stdin = '') {
  const done = Bun.spawnSync([...words], { cwd: folder, env: { PATH }, stdin: Buffer.from(stdin) });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

const submit = (target: string, ...flags: readonly string[]) => {
  return call([
    built().bellhop,
    'submit',
    target,
    '-f',
    'pod.yaml',
    '-c',
    'bellhop.yaml',
    ...flags,
  ]);
};
const seen = (name: string): string[] => {
  const files = readdirSync(folder).filter((one) => one.startsWith(name));
  return files.toSorted().map((one) => readFileSync(path.join(folder, one), 'utf8'));
};

describe('the script that submit prints', () => {
  const ROWS: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['nomad', ['RegisterJob'], /^nomad\0job\0run\0-detach\0-json\0-\0$/],
    ['slurm-apptainer', ['sbatch'], /^sbatch\0--parsable\0$/],
    [
      'databricks-job',
      ['SubmitRun'],
      /^databricks\0jobs\0submit\0--no-wait\0--json\0@\/dev\/stdin\0$/,
    ],
    [
      'azure-ml-command',
      ['CreateEnvironmentVersion', 'CreateCommandJob'],
      /^az\0rest\0--method\0put\0--url\0https:\/\/[^\0]*\/subscriptions\/s\/w\/.*\0--body\0@-\0$/,
    ],
    [
      'azure-container-apps-job',
      ['CreateOrUpdateJob', 'StartJob'],
      /^az\0rest\0--method\0(put|post)\0/,
    ],
  ];
  test.each([...ROWS])(
    '%s: each tool gets its words, and on stdin what --only prints',
    (target, ...row) => {
      const [operations, words] = row;
      for (const name of readdirSync(folder)) {
        if (/^(seen|stdin)-/.test(name)) rmSync(path.join(folder, name));
      }
      const { code, out, err } = submit(target);
      expect([code, err]).toEqual([0, expect.stringContaining('hand this script to a shell')]);
      expect(call(['sh'], out)).toEqual({ code: 0, out: '', err: '' });
      const only = operations.map((one) => submit(target, '--dry-run', '--only', one).out);
      expect(seen('stdin-').map((one) => one.trim())).toEqual(only.map((one) => one.trim()));
      for (const one of seen('seen-')) expect(one).toMatch(words);
      expect(out).not.toContain('ODD');
    },
  );

  test('a batch script says what bellhop.yaml says, and quotes what a shell would read', () => {
    const { out } = submit('slurm-apptainer', '--dry-run', '--only', 'sbatch');
    expect(out).toContain('#SBATCH --partition=gpu\n#SBATCH --time=1:00:00\n');
    expect(out).toContain('export APPTAINERENV_V=plain\n');
    expect(out).toMatch(/ bash --compat --nv docker:\/\/i bellhop run\n$/);
    expect(call(['bash', '-n'], out)).toEqual({ code: 0, out: '', err: '' });
  });
});

test('settings of the store that a plan is spilled to arrive through a shell, too', () => {
  const spilling = {
    apiVersion: 'bellhop/v1',
    stores: { files: { kind: 'file', folder: path.join(folder, 'spilled') } },
    submit: { spill: 'files:jobs' },
  };
  mkdirSync(path.join(folder, 'spilled'));
  const env = Array.from({ length: 3000 }, (_, n) => ({ name: `V${n}`, value: `'${n * 7919}'` }));
  const containers = [{ name: 'main', image: 'i', command: ['env'], env }];
  const large = { ...pod, spec: { containers } };
  writeFileSync(path.join(folder, 'large.yaml'), JSON.stringify(large));
  writeFileSync(path.join(folder, 'spilling.yaml'), JSON.stringify(spilling));
  const flags = ['-f', 'large.yaml', '-c', 'spilling.yaml'];
  const words = [built().bellhop, 'submit', 'slurm-apptainer', ...flags];
  const { requests } = JSON.parse(call([...words, '--dry-run']).out) as {
    requests: [{ input: { environment: Record<string, string> } }];
  };
  const { environment } = requests[0].input;
  expect(environment['BELLHOP_PLAN_STORES']).toMatch(/^[A-Za-z0-9+/=]+$/);
  expect(call(words).code).toBe(0);
  const started = Bun.spawnSync([built().bellhop, 'run'], { env: { PATH, ...environment } });
  expect([started.exitCode, started.stderr.toString()]).toEqual([0, '']);
  expect(started.stdout.toString()).toContain("\nV2999='23749081'\n");
});

describe('deploy/databricks/entry.py', () => {
  const entry = path.join(ROOT, 'deploy/databricks/entry.py');
  const run = (script: string) => call([PYTHON, entry, 'sh', '-c', script, 'zero', 'a b', '']);
  test('starts its words, whose output and exit code are the task’s', () => {
    expect(run('echo "$0|$1|$2"')).toEqual({ code: 0, out: 'zero|a b|\n', err: '' });
    expect(run('exit 7').code).toBe(7);
    expect(run('kill -KILL $$').code).toBe(137);
  });
  test('adds no variable, as Python itself does where there is no locale', () => {
    const { out } = run('tr "\\0" "\\n" < /proc/self/environ');
    expect(out).toContain('PATH=');
    expect(out).not.toContain('LC_CTYPE');
  });
});
