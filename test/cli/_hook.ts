// `bellhop webhook` as a process outside of any cluster, with a certificate for localhost.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bellhop, folder } from './_call.ts';

export interface Hook {
  /** The certificate, which is its own authority. */
  readonly ca: string;
  readonly ports: Readonly<Record<'port' | 'statusPort' | 'invalidationPort', number>>;
  /** The pod that comes out for one that asks by these annotations. */
  review(annotations: object, labels: object): Promise<Reviewed>;
  /** All that it has said so far. */
  readonly said: () => string;
  end(): Promise<number>;
}

export interface Reviewed {
  readonly allowed: boolean;
  /** As text. */
  readonly patch: string;
}

let count = 0;

/** Starts it with these settings of the section `webhook`, on free ports. */
export async function startHook(
  webhook: object,
  env: Readonly<Record<string, string>>,
): Promise<Hook> {
  count += 1;
  const certDir = path.join(folder, `hook-${count}`);
  mkdirSync(certDir);
  certify(certDir);
  const config = path.join(certDir, 'bellhop.yaml');
  const free = { listenPort: 0, statusPort: 0, cacheInvalidationPort: 0, drainMs: 1 };
  const own = { certificates: 'files', certDir, ...free };
  const all = { apiVersion: 'bellhop/v1', webhook: { ...own, ...webhook } };
  writeFileSync(config, JSON.stringify(all));
  const child = Bun.spawn([bellhop, 'webhook', '-c', config, '--no-cluster'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  const log = listen(child.stderr);
  const ports = await log.serving;
  const ca = readFileSync(path.join(certDir, 'tls.crt'), 'utf8');
  return {
    ca,
    ports,
    said: log.said,
    review: async (annotations, labels) => {
      const metadata = { name: 'p', annotations, labels };
      const object = { metadata, spec: { containers: [{ name: 'c' }] } };
      const request = { uid: 'u-1', namespace: 'ns', object };
      const answer = await fetch(`https://localhost:${ports.port}/mutate--v1-pod`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'admission.k8s.io/v1', request }),
        tls: { ca },
      });
      const { response } = (await answer.json()) as {
        response: { allowed: boolean; patch?: string };
      };
      const patch = Buffer.from(response.patch ?? '', 'base64').toString();
      return { allowed: response.allowed, patch };
    },
    end: async () => {
      child.kill('SIGTERM');
      return child.exited;
    },
  };
}

function certify(certDir: string): void {
  const subject = ['-subj', '/CN=hook', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-keyout', `${certDir}/tls.key`, '-out', `${certDir}/tls.crt`];
  const made = Bun.spawnSync(['openssl', 'req', '-x509', ...key, ...files, ...subject]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
}

/** Reads the log to its end; the line that says where it serves comes once. */
function listen(stream: ReadableStream<Uint8Array>) {
  let text = '';
  const { promise: serving, resolve, reject } = Promise.withResolvers<Hook['ports']>();
  const read = async (): Promise<void> => {
    for await (const chunk of stream) {
      text += Buffer.from(chunk).toString();
      const line = text.split('\n').find((one) => one.includes('"what":"serving"'));
      if (line?.endsWith('}') === true) resolve(JSON.parse(line) as Hook['ports']);
    }
    reject(new Error(`it has ended: ${text}`));
  };
  void read();
  return { serving, said: () => text };
}
