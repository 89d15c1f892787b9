// Scripts of the SageMaker SDK (2.257.7, PyPI) and boto3 with the hook for botocore, against moto:
// what reaches the service is kept on its way.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PYTHON_ENV } from '../support/botocore.ts';
import { built } from '../support/built.ts';
import { ROOT } from '../support/source.ts';
import { spawned } from '../support/spawned.ts';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';
import { moto, python } from './_botocore.ts';

const PACKAGE = 'sagemaker==2.257.7';
const NAME = PACKAGE.replace('==', '-');

/** Why there is no SDK; installed on first use. */
export function noSdk(): string | undefined {
  return moto.missing ?? installedOnce({ name: NAME, command: pip(PACKAGE) });
}

/** It would tell its maker of every call. */
const SDK_CONFIG = `SchemaVersion: '1.0'
SageMaker: { PythonSDK: { Modules: { TelemetryOptOut: true } } }
`;

/** What moto made for the scripts. */
export interface World {
  readonly role: string;
  readonly subnet: string;
}

/** A request as it reached the service. */
export interface Arrived {
  readonly operation: string;
  readonly input: unknown;
}

/** REST paths of operations that have no header with their name. */
const PATHS: Readonly<Record<string, string>> = {
  '/v1/registerjobdefinition': 'RegisterJobDefinition',
  '/v1/submitjob': 'SubmitJob',
  '/2015-03-31/functions': 'CreateFunction',
};

/** A folder with bellhop.yaml, and moto with an ear in front of it; `close` when done. */
export function openSdk() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bellhop-sdk-'));
  const unique = `b${path
    .basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')}`;
  const arrived: Arrived[] = [];
  const front = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const body = await request.arrayBuffer();
      const url = new URL(request.url);
      const operation =
        request.headers.get('x-amz-target')?.split('.')[1] ?? PATHS[url.pathname] ?? '';
      if (/^(Create|Register|Run|Submit)/.test(operation)) {
        const input: unknown = JSON.parse(new TextDecoder().decode(body));
        arrived.push({ operation, input });
      }
      const to = `${moto.get('AWS_ENDPOINT_URL')}${url.pathname}${url.search}`;
      const sent = ['GET', 'HEAD'].includes(request.method) ? {} : { body };
      return fetch(to, { method: request.method, headers: request.headers, ...sent });
    },
  });
  let bin = '';
  return {
    folder,
    unique,
    arrived,
    bin: () => bin,
    /** Makes what scripts need; `settings` is bellhop.yaml, with the name of the bucket in it. */
    async prepare(settings: (example: string) => string = (one) => one): Promise<World> {
      const endpoint = moto.get('AWS_ENDPOINT_URL');
      const world = await python('moto_world.py', { endpoint, name: unique, secret: '{}' });
      const example = readFileSync(path.join(ROOT, 'examples/adapt/bellhop.yaml'), 'utf8');
      const text = settings(example.replace('ml-artifacts', unique));
      writeFileSync(path.join(folder, 'bellhop.yaml'), text);
      writeFileSync(path.join(folder, 'sagemaker.yaml'), SDK_CONFIG);
      bin = path.dirname(built().bellhop);
      return world as World;
    },
    /** Runs Python in the folder, with the SDK (or moto's boto3) and the hook in its path. */
    py: async (
      words: readonly string[],
      more: Readonly<Record<string, string>> = {},
      library = installedAt(NAME),
    ) => {
      const env = {
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        SAGEMAKER_SUPPRESS_V2_WARNING: '1',
        SAGEMAKER_USER_CONFIG_OVERRIDE: path.join(folder, 'sagemaker.yaml'),
        PYTHONPATH: [path.join(ROOT, 'python'), library].join(':'),
        PYTHONDONTWRITEBYTECODE: '1',
        ...moto.env,
        AWS_ENDPOINT_URL: front.url.origin,
      };
      return spawned([PYTHON, ...words], { cwd: folder, env: { ...env, ...more } });
    },
    /** The library of moto itself. */
    boto3: PYTHON_ENV.PYTHONPATH,
    close: (): void => {
      rmSync(folder, { recursive: true, force: true });
      void front.stop(true);
    },
  };
}
