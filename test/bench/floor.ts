// The floor of `bench stores`: the fewest requests that a store's API has, all at once, by the
// same compiled runtime and nothing else; then execve. usage: floor STORE COUNT URL CA
import { readFileSync } from 'node:fs';

const [store = '', count = '1', url = '', caFile = ''] = process.argv.slice(2);
const tls = { ca: readFileSync(caFile, 'utf8') };
const wanted = Array.from({ length: Number(count) }, (_, n) => `bench/${n}`);

const responses = await Promise.all(requests().map(async (one) => (await one).arrayBuffer()));
if (responses.some((body) => body.byteLength === 0)) process.exit(1);
process.execve?.('/bin/true', ['true'], {});

function requests(): Promise<Response>[] {
  switch (store) {
    case 'aws-secrets-manager':
      return wanted.length === 1
        ? [aws('secretsmanager.GetSecretValue', { SecretId: wanted[0] })]
        : chunks(20).map((SecretIdList) => {
            return aws('secretsmanager.BatchGetSecretValue', { SecretIdList });
          });
    case 'aws-ssm':
      return chunks(10).map((Names) => aws('AmazonSSM.GetParameters', { Names }));
    case 'vault, one path':
      return [get('/v1/secret/data/bench/all', 'http2')];
    case 'vault':
      return wanted.map((path) => get(`/v1/secret/data/${path}`, 'http2'));
    default:
      return wanted.map((path) => get(`/bucket/${path}`, 'http1.1'));
  }
}

function chunks(size: number): string[][] {
  return Array.from({ length: Math.ceil(wanted.length / size) }, (_, n) => {
    return wanted.slice(n * size, (n + 1) * size);
  });
}

function aws(target: string, body: object): Promise<Response> {
  const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), tls });
}

function get(path: string, protocol: 'http2' | 'http1.1'): Promise<Response> {
  return fetch(`${url}${path}`, { tls, protocol } as RequestInit);
}
