// A server that says what `check` and `run` may meet, and stores that lead to it.
import { expect } from 'bun:test';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CheckReport } from '../../src/entrypoint/check.ts';
import type { Result } from './_call.ts';
import { closedPort as findClosedPort } from '../support/ports.ts';
import { CANARY, callMeanwhile, folder } from './_call.ts';

export const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/db.json') return Response.json({ user: 'u', password: CANARY });
    if (pathname === '/user.json') return Response.json({ user: 'u' });
    if (pathname === '/plain') return new Response(CANARY);
    if (pathname === '/trouble') return new Response(CANARY, { status: 503 });
    if (pathname.startsWith('/nobucket')) {
      const error = '<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>';
      return new Response(`<?xml version="1.0"?>${error}`, { status: 404 });
    }
    if (pathname === '/denied') return new Response(CANARY, { status: 403 });
    if (pathname === '/odd.json') return new Response(`{"${CANARY}`);
    return new Response(CANARY, { status: 404 });
  },
});
export const closedPort = await findClosedPort();
// Shared by test files of one process: it ends with it.
server.unref();

/** The server answers in this process: the call may not hold it up. */
export async function checked(words: readonly string[]): Promise<Result> {
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const { code, out, err } = await callMeanwhile(words, { FROM_ENV: CANARY, ...keys });
  expect(out + err).not.toContain(CANARY);
  return { code, out, err };
}

let count = 0;
/** bellhop.yaml with the usual stores and these sections. */
export function settings(sections: string): string {
  const file = path.join(folder, `check-${(count += 1)}.yaml`);
  const stores = [
    `  web: { kind: http, url: 'http://127.0.0.1:${server.port}/' }`,
    `  down: { kind: http, url: 'http://127.0.0.1:${closedPort}/' }`,
    `  local: { kind: file, folder: '${folder}' }`,
    '  here: { kind: env }',
  ];
  const text = ['apiVersion: bellhop/v1', 'stores:', ...stores, sections, ''].join('\n');
  writeFileSync(file, text);
  return file;
}

export async function report(sections: string, ...words: string[]): Promise<CheckReport> {
  const { out } = await checked(['check', '-c', settings(sections), '-o', 'json', ...words]);
  return JSON.parse(out) as CheckReport;
}
export const states = ({ references }: CheckReport): string[] => {
  return references.map(({ reference, why, state }) => `${reference} ${why} ${state}`);
};
