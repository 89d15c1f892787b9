// The simulators of Nomad, Slurm with Apptainer, Databricks and a plain process.
import { afterAll, describe, expect, test } from 'bun:test';
import { databricksJob } from './databricks-job.ts';
import * as legal from './_legal.ts';
import { local } from './local.ts';
import { evaluated, nomad, type NomadJob, replaced } from './nomad.ts';
import { COMMON, environ, look, looked, shellImage } from './_probe.ts';
import { outcomeOf, sawOf, WISH } from './_saw.ts';
import { slurmApptainer } from './slurm-apptainer.ts';
import { stageOf } from './_worlds.ts';

const stage = stageOf('Nomad, Slurm, Databricks and a plain process', []);
const { yard, isHere } = stage;
afterAll(stage.close);

const imageOf = (sections: Readonly<Record<string, string>>, config: object = {}) =>
  shellImage(yard, { entrypoint: ['sh', '/probe.sh'], ...config }, look(sections));

describe('${VAR} as Nomad has it, A being 1', () => {
  const known = new Map([
    ['A', '1'],
    ['node.class', 'c'],
  ]);
  const VALUES: readonly (readonly [string, string])[] = [
    ['${A}', '1'],
    ['x${node.class}y', 'xcy'],
    ['${B}', '${B}'],
    ['$${A}', '$1'],
    ['$A $(A) ${A B} ${', '$A $(A) ${A B} ${'],
  ];
  test.each([...VALUES])('in a value %s is %s', (written, becomes) => {
    expect(replaced(written, known)).toBe(becomes);
  });
  test('in the config of the driver $${ is ${, and what is unknown is an error', () => {
    expect(evaluated('$${A} ${A} %%{x', known)).toBe('${A} 1 %{x');
    expect(() => evaluated('${B}', known)).toThrow('failed to parse config');
  });
});

function task(more: object, config: object = {}): NomadJob {
  const Config = { image: legal.IMAGE, ...config };
  const Tasks = [{ Name: 'main', Driver: 'docker', Config, ...more }];
  return { Job: { ID: 'job', Meta: { key: 'value' }, TaskGroups: [{ Name: 'group', Tasks }] } };
}

describe.skipIf(!isHere)('a Nomad task', () => {
  test('has interpolated values, templates, its folders and a secrets folder of 1 MiB', async () => {
    const job = task(
      {
        Env: { A: 'a ${NOMAD_TASK_NAME} ${nothing} $${A} $(A)', 'odd.name': 'x' },
        Templates: [
          { EmbeddedTmpl: 'B=b\nA=template\n', DestPath: 'local/env', Envvars: true },
          { EmbeddedTmpl: 'file', DestPath: '${NOMAD_TASK_DIR}/file', Perms: '0400' },
        ],
      },
      { args: ['one', '$${A}'] },
    );
    const sections = {
      ...COMMON,
      secrets: 'df -B1 --output=size /secrets | tail -n 1',
      local: 'cd /local && stat -c "%a %n" env file && cat file',
    };
    const images = { [legal.IMAGE]: imageOf(sections) };
    const saw = sawOf(await nomad.run(job, { yard, images, reachable: [] }, WISH));
    expect(saw.env).toMatchObject({
      A: 'template',
      B: 'b',
      'odd.name': 'x',
      NOMAD_META_KEY: 'value',
    });
    expect(saw.args).toEqual(['one', '${A}']);
    expect(saw.text('secrets').trim()).toBe('1048576');
    expect(saw.text('local')).toBe('644 env\n400 file\nfile');
  });

  test('whose words name what nobody knows does not start', async () => {
    const images = { [legal.IMAGE]: imageOf(COMMON) };
    const job = task({}, { args: ['${who}'] });
    const ran = await nomad.run(job, { yard, images, reachable: [] }, WISH);
    expect(ran.kind).toBe('not started');
  });
});

describe.skipIf(!isHere)('a job of Slurm', () => {
  const script = (line: string): string =>
    `#!/bin/bash\n#SBATCH -J job\nexport HOST=leaks\n${line}\n`;
  const inside = {
    ...COMMON,
    environ: 'cat /proc/$$/environ',
    args: `tr '\\0' '\\n' </proc/$$/cmdline`,
  };
  const images = () => ({
    'image.sif': imageOf(inside, { env: ['FROM=image', 'PATH=/usr/bin:/bin:/image'] }),
  });
  const envOf = async (line: string, exportFile = '', files = {}) => {
    const ran = await slurmApptainer.run(
      { script: script(line), exportFile, files },
      { yard, images: images() },
      WISH,
    );
    const { stdout } = outcomeOf(ran);
    const saw = looked(stdout);
    return { env: environ(saw['environ']), saw, ran };
  };

  test('sees the variables of the node, those of the image over them, and is not root', async () => {
    const { env, saw } = await envOf(
      'srun -n1 apptainer exec image.sif sh /probe.sh "a b" ""',
      'V=a,b\nc $HOME `x`\0FROM=host\0',
    );
    expect(env).toMatchObject({
      V: 'a,b\nc $HOME `x`',
      HOST: 'leaks',
      FROM: 'image',
      SLURM_JOB_ID: '4711',
      PATH: '/usr/bin:/bin:/image',
    });
    expect(saw['args']?.split('\n').slice(2)).toEqual(['a b', '', '']);
    expect(saw['ids']).toBe('1001\n1001\n1001\n');
    expect(saw['root']).toContain('exit 1');
  });

  test('has what is given to Apptainer evaluated once by a shell, unless that is turned off', async () => {
    const line = (flags: string) => `apptainer exec ${flags} --env-file env image.sif sh /probe.sh`;
    const files = { env: 'A=$((1+1)) `echo x` "q" \\$B\n' };
    const clean = await envOf(line('--cleanenv'), 'V=v\0', files);
    expect(clean.env['A']).toBe('2 x "q" $B');
    expect(clean.env).not.toHaveProperty('V');
    expect(clean.env).not.toHaveProperty('HOST');
    const exact = await envOf(line('--no-eval'), 'APPTAINERENV_C=$X\0', files);
    expect([exact.env['A'], exact.env['C']]).toEqual(['$((1+1)) `echo x` "q" \\$B', '$X']);
  });

  test('ends as the script does where no container is started', async () => {
    const { ran } = await envOf('exit 5');
    expect(ran).toMatchObject({ status: 'FAILED', outcome: { exit: 5 } });
  });

  test.each([
    ['has no interpreter', 'echo', 'must start with #!'],
    ['has the line ends of DOS', '#!/bin/sh\r\n', 'DOS line breaks'],
    ['has more than 4 MiB', `#!/bin/sh\n${'#'.repeat(4 * 1024 * 1024 - 9)}`, 'size limit'],
  ])('is refused where the script %s', (_, text, message) => {
    expect(slurmApptainer.refusals({ script: text })[0]?.message).toContain(message);
  });
  test('is taken with exactly 4 MiB', () => {
    const text = `#!/bin/sh\n${'#'.repeat(4 * 1024 * 1024 - 10)}`;
    expect(slurmApptainer.refusals({ script: text })).toEqual([]);
  });
});

describe.skipIf(!isHere)('a Databricks job', () => {
  const cluster = (more: object) => ({
    tasks: [
      {
        task_key: 'main',
        new_cluster: { docker_image: { url: legal.IMAGE }, ...more },
        spark_python_task: { python_file: '/w/main.py', parameters: ['x'] },
      },
    ],
  });
  const files = {
    '/w/main.py': 'import json, os, sys\nprint(json.dumps([dict(os.environ), sys.argv[1:]]))\n',
    '/w/init.sh': 'echo "init sees $A"\n',
  };
  const workspace = () => ({
    yard,
    files,
    secrets: { 'scope/key': 's3' },
    images: { [legal.IMAGE]: imageOf({}) },
  });

  test('exports values between apostrophes, runs init scripts, and reads secrets', async () => {
    const request = cluster({
      spark_env_vars: { A: '$HOME "x" \\', B: "it''s", S: '{{secrets/scope/key}}' },
      init_scripts: [{ workspace: { destination: '/w/init.sh' } }],
    });
    const { stdout } = outcomeOf(await databricksJob.run(request, workspace(), WISH));
    const [first = '', second = ''] = stdout.split('\n');
    expect(first).toBe('init sees $HOME "x" \\');
    const [env, args] = JSON.parse(second) as [Record<string, string>, string[]];
    expect(env).toMatchObject({ A: '$HOME "x" \\', B: 'its', S: 's3', DB_IS_DRIVER: 'TRUE' });
    expect(args).toEqual(['x']);
  });

  test('does not start without its secret', async () => {
    const request = cluster({ spark_env_vars: { S: '{{secrets/scope/none}}' } });
    expect((await databricksJob.run(request, workspace(), WISH)).kind).toBe('not started');
  });

  test('is refused with more than 10,000 bytes of parameters, and with others than ASCII', () => {
    const of = (parameters: string[]) => {
      const [task] = cluster({}).tasks;
      const python = { python_file: '/w/main.py', parameters };
      return databricksJob.refusals({ tasks: [{ ...task!, spark_python_task: python }] });
    };
    expect(of(['v'.repeat(10_000 - 4)])).toEqual([]);
    expect(of(['v'.repeat(10_000 - 3)])).toHaveLength(1);
    expect(of(['é'])).toHaveLength(1);
  });
});

describe.skipIf(!isHere)('a plain process', () => {
  test('has exactly the variables, words and folder it was given', async () => {
    const request = {
      argv: ['/bin/sh', '/probe.sh', 'é', ''],
      env: { 'a.b': 'é\n', PATH: '/bin:/usr/bin' },
      cwd: '/srv',
    };
    const saw = sawOf(await local.run(request, { yard, image: imageOf(COMMON) }, WISH));
    expect(saw.env).toEqual({ 'a.b': 'é\n', PATH: '/bin:/usr/bin' });
    expect([saw.args, saw.text('cwd')]).toEqual([['é', ''], '/srv\n']);
  });

  test.each([
    ['/nothing', 127],
    ['/etc/passwd', 126],
  ])('%s ends with %d', async (program, code) => {
    const request = { argv: [program], env: {} };
    expect(outcomeOf(await local.run(request, { yard, image: imageOf({}) }, WISH)).exit).toBe(code);
  });

  test('is ended at the limit of the run, with everything that it started', async () => {
    const image = shellImage(yard, {}, 'sleep 1000 & echo up; sleep 1000');
    const request = { argv: ['/bin/sh', '/probe.sh'], env: { PATH: '/bin:/usr/bin' } };
    const outcome = outcomeOf(
      await local.run(request, { yard, image }, { ...WISH, runMsMax: 300 }),
    );
    expect([outcome.ended, outcome.signal]).toEqual(['killed at the limit of the run', 9]);
  });
});
