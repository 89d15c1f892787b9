import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { CANARY, POD, call, folder, noProgram } from './_call.ts';

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])(
    'bellhop %p lists the commands',
    (words) => {
      const { code, out } = call(words);
      expect(code).toBe(0);
      for (const name of ['run', 'plan', 'explain'])
        expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    },
  );
  test.each(['run', 'plan', 'explain'])('%s --help has usage, flags and an example', (name) => {
    const { code, out } = call([name, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: bellhop ${name} `);
    expect(out).toContain('  -f, --file FILE');
    expect(out).toContain('Example:');
    expect(out.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect(call(['help', name]).out).toBe(out);
  });
  test('version is the package’s', () => {
    expect(call(['version']).out).toMatch(/^bellhop \d+\.\d+\.\d+\n$/);
  });
});

describe('usage', () => {
  test.each([
    [['nosuch'], 'there is no command nosuch'],
    [['run', '--nosuch'], "unknown option '--nosuch'"],
    [['plan', '-f', 'pod.yaml', '--', 'x'], 'takes no command behind --'],
    [['explain'], 'no manifest is given'],
    [['explain', '-f', 'pod.yaml', '-o', 'xml'], 'is table or json'],
    [['run', '-f', 'pod.yaml', '--image-cmd', 'x y'], 'must be a JSON list of strings'],
    [['run', '-f', 'pod.yaml', '--field', 'x'], 'must be NAME=VALUE'],
    [['run', '--log', 'xml'], '--log is text or json'],
  ])('%p is a usage error with help', (words, what) => {
    const { code, out, err } = call(words);
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(err).toContain(what);
    expect(err).toContain('  code: BH_ERR_USAGE (exit 64)\n  help: ');
  });
});

describe('plan', () => {
  test('is the same bytes each time, ends with a newline and has no value of any object', () => {
    const first = call(['plan', '-f', 'pod.yaml']);
    expect(first.code).toBe(0);
    expect(first.out).toBe(call(['plan', '-f', path.join(folder, 'pod.yaml')]).out);
    expect(first.out.endsWith('}\n')).toBe(true);
    expect(first.out).not.toContain(CANARY);
    expect(first.out).toContain('"digest":"sha256:');
  });
  test('run --plan delivers the same as run -f', () => {
    const plain = POD.replace('  securityContext: { runAsUser: 1000 }\n', '').replace(
      / {4}volumeMounts.*\n/,
      '',
    );
    const bare = path.join(folder, 'bare.yaml');
    writeFileSync(bare, plain);
    const document = path.join(folder, 'plan.json');
    writeFileSync(document, call(['plan', '-f', bare]).out);
    const byPlan = call(['run', '--plan', document, '-f', bare]);
    expect(byPlan).toEqual(call(['run', '-f', bare]));
    expect(byPlan.out).toContain(`my.key=${CANARY}-k\n`);
    expect(byPlan.out).toContain('user=again ');
  });
  test('run --plan names the objects that it needs and was not given', () => {
    const document = path.join(folder, 'alone.json');
    writeFileSync(document, call(['plan', '-f', 'pod.yaml']).out);
    const { code, err } = call(['run', '--plan', document]);
    expect(code).toBe(65);
    expect(err).toContain('secret/default/s, configmap/default/c');
    expect(err).toContain('code: BH_ERR_PLAN_OBJECTS');
  });
  test.each([
    ['a changed byte', (text: string) => text.replace('"env"', '"true"')],
    ['no digest', (text: string) => text.replace(/"digest":"[^"]*",/, '')],
    ['another version', (text: string) => text.replace('plan/v1', 'plan/v9')],
    ['no JSON', () => 'x'],
    ['a list', () => '[]'],
  ])('run --plan refuses %s', (_, change) => {
    const document = path.join(folder, 'bad.json');
    writeFileSync(document, change(call(['plan', '-f', 'pod.yaml']).out));
    const { code, err } = call(['run', '--plan', document, '-f', 'pod.yaml']);
    expect(code).toBe(65);
    expect(err).toContain('code: BH_ERR_PLAN (exit 65)');
  });
  test('BELLHOP_PLAN with another BELLHOP_PLAN_DIGEST is refused', () => {
    const document = path.join(folder, 'digest.json');
    writeFileSync(document, call(['plan', '-f', 'pod.yaml']).out);
    const { code, err } = call(['run', '--', 'true'], {
      BELLHOP_PLAN: document,
      BELLHOP_PLAN_DIGEST: 'sha256:00',
    });
    expect(code).toBe(65);
    expect(err).toContain('BELLHOP_PLAN_DIGEST');
  });
});

describe('explain', () => {
  test('tells rule, reference, what is overridden and what will surprise; never a value', () => {
    const { code, out } = call(['explain', '-f', 'pod.yaml']);
    expect(code).toBe(0);
    expect(out).not.toContain(CANARY);
    const line = (start: string): string =>
      out.split('\n').find((one) => one.startsWith(start)) ?? '';
    expect(line('user ')).toContain('again $(user) $(later)');
    expect(line('user ')).toContain('overrides spec.containers[0].envFrom[0]');
    expect(line('user ')).toContain('$(later) is not known here and stays as written');
    expect(line('my.key')).toContain('a POSIX shell cannot read this name');
    expect(line('PARAM')).toContain('embedded:configmap/default/c, key PARAM');
    expect(line('maybe')).toBe('');
    expect(line('/etc/creds/user')).toContain('0400');
    expect(line('/etc/creds/user')).toContain('user 1000 cannot read it');
  });
  test('-o json says the same as data', () => {
    const parsed: unknown = JSON.parse(call(['explain', '-f', 'pod.yaml', '-o', 'json']).out);
    expect(parsed).toMatchObject({
      origin: { kind: 'Pod', name: 'p', namespace: 'default', container: 'main' },
      identity: 'user 1000',
      argv: { from: "the pod's command", words: ['env'] },
    });
  });
});

describe('run without a plan', () => {
  const odd = { 'A=B': '', KEEP: 'x y', BELLHOP_LOG: 'text', BUN_OPTIONS: '--preload=/nosuch' };
  test('starts the command with what is there, and BELLHOP_* gone', () => {
    const { code, out, err } = call(['run', '--', 'env'], odd);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('KEEP=x y\n');
    expect(out).toContain('BUN_OPTIONS=--preload=/nosuch\n');
    expect(out).not.toContain('BELLHOP_');
  });
  test('BELLHOP_REQUIRE=1 makes that an error', () => {
    const { code, err } = call(['run', '--', 'env'], { BELLHOP_REQUIRE: '1' });
    expect(code).toBe(65);
    expect(err).toContain('code: BH_ERR_NO_PLAN');
  });
  test('without a command there is nothing to start', () => {
    const { code, err } = call(['run']);
    expect(code).toBe(65);
    expect(err).toContain('code: BH_ERR_NO_COMMAND');
  });
  test('the exit status is the program’s', () => {
    expect(call(['run', '--', 'sh', '-c', 'exit 7']).code).toBe(7);
  });
  test.each([
    ['/nosuch/program', 127, 'BH_ERR_EXEC_NOT_FOUND'],
    ['nosuch-program', 127, 'BH_ERR_EXEC_NOT_FOUND'],
    ['/etc', 126, 'BH_ERR_EXEC_NOT_ALLOWED'],
    ['/etc/passwd', 126, 'BH_ERR_EXEC_NOT_ALLOWED'],
    [noProgram, 126, 'BH_ERR_EXEC'],
  ])('%s ends with %i', (program, exit, code) => {
    const done = call(['run', '--', program]);
    expect(done.code).toBe(exit);
    expect(done.err).toContain(`  code: ${code} (exit ${exit})\n`);
  });
  test('--log json prints one object a problem', () => {
    const { err } = call(['run', '--log', 'json', '--', '/nosuch/program']);
    expect(JSON.parse(err)).toMatchObject({
      level: 'error',
      code: 'BH_ERR_EXEC_NOT_FOUND',
      exit: 127,
    });
    const parsed: unknown = JSON.parse(call(['run', '-f', 'nosuch'], { BELLHOP_LOG: 'json' }).err);
    expect(parsed).toMatchObject({ code: 'BH_ERR_INPUT_READ', where: ['nosuch'] });
  });
});
