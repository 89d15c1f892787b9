// Front of fake-gcs-server. One port, plain HTTP, 127.0.0.1; fake-gcs-server listens on the next.
//   node gcs-front.mjs PORT FAKE_GCS_SERVER GSM_URL
// What fake-gcs-server does not do: it wants no token, and says of what is missing "Not Found". Here a request needs a token that
// the stub gsm takes, and a 404 has Google's words: JSON, or the bare sentence as text/html where the object's content was asked for.
// Not here: IAM, keys (kmsKeyName is taken and forgotten), quotas.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { serve } from './stub.mjs';

const [port, program, gsm] = [Number(process.argv[2]), process.argv[3], process.argv[4]];
const behind = port + 1;
const upstream = `http://127.0.0.1:${behind}`;
const known = new Set();

spawn(
  program,
  [
    '-scheme=http',
    '-host=127.0.0.1',
    `-port=${behind}`,
    '-backend=memory',
    `-public-host=127.0.0.1:${port}`,
    `-external-url=http://127.0.0.1:${port}`,
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
).once('exit', (code) => process.exit(code ?? 1));

async function isKnown(authorization) {
  if (known.has(authorization)) return true;
  const answer = await fetch(`${gsm}/v1/projects/testbed/secrets`, { headers: { authorization } });
  if (answer.status === 200) known.add(authorization);
  return answer.status === 200;
}

function refuse(response, { status, message, reason }, isMedia) {
  const error = { code: status, message, errors: [{ message, domain: 'global', reason }] };
  const type = isMedia ? 'text/html; charset=UTF-8' : 'application/json; charset=UTF-8';
  response.writeHead(status, { 'content-type': type });
  response.end(isMedia ? message : JSON.stringify({ error }));
}

const PLACE = /^(?:\/upload)?\/storage\/v1\/b\/([^/?]+)(?:\/o\/([^?]*))?/;

async function missing(url) {
  const [, bucket = '', key = ''] = PLACE.exec(url) ?? [];
  const there = await fetch(`${upstream}/storage/v1/b/${bucket}`);
  const object = `${decodeURIComponent(bucket)}/${decodeURIComponent(key)}`;
  const message =
    there.status === 200 ? `No such object: ${object}` : 'The specified bucket does not exist.';
  return { status: 404, message, reason: 'notFound' };
}

function pass(request, response) {
  const { method, url, headers } = request;
  const onward = http.request(upstream + url, { method, headers }, (answer) => {
    if (answer.statusCode === 404) {
      answer.resume();
      const isMedia = new URL(url, upstream).searchParams.get('alt') === 'media';
      missing(url).then((what) => refuse(response, what, isMedia));
      return;
    }
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

const server = http.createServer(async (request, response) => {
  const { authorization = '' } = request.headers;
  if (authorization !== '' && (await isKnown(authorization))) return pass(request, response);
  request.resume();
  const message =
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.';
  return refuse(response, { status: 401, message, reason: 'authError' }, false);
});
serve(server, port);
