import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildIfNeeded } from '../../scripts/build.ts';
import { keepResults, machine, measure, printRows } from './measure.ts';

const ROUNDS = 5;
const VARIABLES = 10_000;
const PARAMETER_BYTES = 50_000_000;

function podText(count: number): string {
  const variables = Array.from({ length: count }, (_, n) => {
    return `    - { name: VARIABLE_${n}, value: "value ${n} ${(n * 7919) % 100_003}" }`;
  });
  return [
    'apiVersion: v1\nkind: Pod\nmetadata: { name: bench }\nspec:\n  containers:\n  - name: main',
    '    image: bench\n    command: [/bin/true]\n    env:',
    ...variables,
    '',
  ].join('\n');
}

const settingsText = (folder: string, more: string): string => `apiVersion: bellhop/v1
stores: { files: { kind: file, folder: ${folder}/spilled } }
submit:
  spill: files:jobs
  targets:
    sagemaker-training:
      CreateTrainingJob:
        RoleArn: arn:aws:iam::123456789012:role/r
        OutputDataConfig: { S3OutputPath: s3://b/o }
        ResourceConfig: { InstanceType: ml.m5.large, InstanceCount: 1, VolumeSizeInGB: 1 }
        StoppingCondition: { MaxRuntimeInSeconds: 60 }
${more}`;

const TO_BUCKET = [
  /^stores: .*\nsubmit:\n {2}spill: .*$/m,
  'stores: { s3: { kind: s3, region: us-east-1 } }\nsubmit:\n  spill: s3:bench/jobs',
] as const;

interface DryRun {
  readonly requests: readonly { readonly input: { readonly env: Record<string, string> } }[];
}

/** The same declaration as `bellhop plan` reads it: what submit adds to that. */
function planOf([bellhop = '', , , ...flags]: readonly string[]): string[] {
  return [bellhop, 'plan', ...flags];
}

/** `npm run bench -- submit`: what large jobs cost, in time and memory. */
export async function bench(): Promise<void> {
  buildIfNeeded();
  const bellhop = path.join(import.meta.dir, '../../dist/bellhop');
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'bellhop-bench-submit-'));
  const write = (name: string, text: string): void => writeFileSync(path.join(cwd, name), text);
  try {
    mkdirSync(path.join(cwd, 'spilled'));
    write('many.yaml', podText(VARIABLES));
    write('few.yaml', podText(10));
    write('parameters.json', JSON.stringify({ table: 'x'.repeat(PARAMETER_BYTES), lr: 0.1 }));
    write('plain.yaml', settingsText(cwd, ''));
    const at = `${cwd}/delivered.json`;
    const parameters = `  hyperparameters: { file: ${cwd}/parameters.json, path: ${at} }\n`;
    write('large.yaml', settingsText(cwd, parameters));
    // In both places, by an input channel.
    write('channel.yaml', settingsText(cwd, parameters).replace(...TO_BUCKET));
    const submit = (target: string, pod: string, settings: string): string[] => {
      const files = ['-f', path.join(cwd, pod), '-c', path.join(cwd, settings)];
      return [bellhop, 'submit', target, ...files];
    };
    const dry = [...submit('local', 'few.yaml', 'large.yaml'), '--dry-run'];
    const { requests } = JSON.parse(Bun.spawnSync(dry).stdout.toString()) as DryRun;
    const many = submit('sagemaker-training', 'many.yaml', 'plain.yaml');
    const channel = submit('sagemaker-training', 'few.yaml', 'channel.yaml');
    const contenders = [
      {
        name: '10 variables, the request',
        command: [...submit('local', 'few.yaml', 'plain.yaml'), '--dry-run'],
      },
      { name: `${VARIABLES} variables, their plan`, command: planOf(many) },
      { name: `${VARIABLES} variables, the request`, command: [...many, '--dry-run'] },
      { name: '50 MB of parameters, the request', command: dry },
      { name: '50 MB for SageMaker, the request', command: [...channel, '--dry-run'] },
      { name: '50 MB, spilled to a folder', command: submit('local', 'few.yaml', 'large.yaml') },
      {
        name: '50 MB, fetched and delivered',
        command: [bellhop, 'run'],
        env: requests[0]?.input.env ?? {},
      },
    ];
    const rows = measure(contenders, ROUNDS);
    const { size } = statSync(at);
    if (size < PARAMETER_BYTES) throw new Error(`${size} bytes were delivered`);
    console.log(`${machine()}; ${ROUNDS} rounds\n`);
    printRows(rows);
    keepResults('submit', { rounds: ROUNDS, rows });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
