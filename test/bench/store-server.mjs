// A TLS server that adds 20 ms to every request and speaks as much of each store's API as the bench
// asks for; HTTP/2 and HTTP/1.1. A process of its own, on Node: what it costs is not the client's.
// usage: store-server.mjs KEY CERT   (prints its port; GET /requests tells and resets the count)
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const LATENCY_MS = 20;
const VALUE = 'secret-value';
const [keyFile, certFile] = process.argv.slice(2);
let requests = 0;

const server = http2.createSecureServer(
  { key: readFileSync(keyFile), cert: readFileSync(certFile), allowHTTP1: true },
  (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/requests') {
        response.end(String(requests));
        requests = 0;
        return;
      }
      requests += 1;
      const body = answerTo(request, Buffer.concat(chunks).toString());
      setTimeout(() => {
        const length = Buffer.byteLength(body);
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': length,
          etag: '"bench"',
        });
        response.end(body);
      }, LATENCY_MS);
    });
  },
);
// Or an answer waits for the acknowledgement of its first half.
server.on('secureConnection', (socket) => socket.setNoDelay(true));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

function answerTo(request, body) {
  const target = request.headers['x-amz-target'];
  if (target !== undefined) return JSON.stringify(awsAnswer(target, JSON.parse(body)));
  if (request.url.startsWith('/v1/')) return vaultAnswer(request.url.endsWith('/all') ? 200 : 1);
  return VALUE;
}

function awsAnswer(target, asked) {
  const secret = (Name) => ({
    Name,
    ARN: `arn:aws:x:${Name}`,
    VersionId: 'v',
    SecretString: VALUE,
  });
  switch (target) {
    case 'secretsmanager.GetSecretValue':
      return secret(asked.SecretId);
    case 'secretsmanager.BatchGetSecretValue':
      return { SecretValues: asked.SecretIdList.map(secret), Errors: [] };
    default:
      return {
        Parameters: asked.Names.map((Name) => ({
          Name,
          Type: 'SecureString',
          Value: VALUE,
          Version: 1,
        })),
        InvalidParameters: [],
      };
  }
}

function vaultAnswer(keys) {
  const data = Object.fromEntries(Array.from({ length: keys }, (_, n) => [`k${n}`, VALUE]));
  return JSON.stringify({ data: { data, metadata: { version: 1 } } });
}
