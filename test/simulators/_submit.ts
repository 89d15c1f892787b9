// Rendering by the built executable: `bellhop submit TARGET --dry-run`, and where that says that
// something would be spilled, the submission itself, whose upload is real.
import path from 'node:path';
import type { AwsWorld } from './_aws.ts';
import type { Declared, Rendered } from './_road.ts';
import { spawned } from '../support/spawned.ts';

interface DryRun {
  readonly spilled?: object;
  readonly requests: readonly { readonly operation: string; readonly input: unknown }[];
}

/** Renders what is declared for a target; `using` ends the API that it asks. */
export interface Submit extends Disposable {
  (declared: Declared, target: string): Promise<Rendered>;
}

/** A renderer by this executable; the API of its platforms refuses everything. */
export function submitBy(bellhop: string, aws: AwsWorld): Submit {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response('', { status: 400 }),
  });
  const api = server.url.origin;
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: '/nonexistent',
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.s3.key.id,
    AWS_SECRET_ACCESS_KEY: aws.s3.key.secret,
    AWS_ENDPOINT_URL: api,
    GCE_METADATA_HOST: new URL(api).host,
  };
  const render = async ({ dir, flags }: Declared, target: string): Promise<Rendered> => {
    const files = ['-f', path.join(dir, 'pod.yaml'), '-c', path.join(dir, 'bellhop.yaml')];
    const words = [bellhop, 'submit', target, ...files, ...flags];
    const dry = await spawned([...words, '--dry-run'], { cwd: dir, env });
    if (dry.code !== 0) return { refused: dry.err };
    const told = JSON.parse(dry.out) as DryRun;
    // Its exit code is of no interest: what is spilled is written before the API is called.
    if (told.spilled !== undefined) await spawned(words, { cwd: dir, env });
    return {
      requests: Object.fromEntries(told.requests.map(({ operation, input }) => [operation, input])),
    };
  };
  return Object.assign(render, { [Symbol.dispose]: () => void server.stop(true) });
}
