// What targets of Google have in common. Shapes: google-api-python-client 2.202.0 (run.v2 20261031,
// aiplatform.v1 20261106).
import { countIn, textIn } from './_fields.ts';
import type { JsonObject } from './_caps.ts';
import type { GoogleApi, Job, Request } from './_target.ts';

export const READ_ON = '2026-11-21';

/** The first word and the rest of what is to be started: a command, and words that replace CMD. */
export function started({ start }: Job): { command?: string[]; args?: string[] } {
  const [command, ...args] = start;
  return command === undefined ? {} : { command: [command], args };
}

/** A request of Google's REST API; `{+name}` in the path is a member of the input. */
export function google(
  operation: string,
  input: JsonObject,
  send: { readonly service: GoogleApi; readonly method?: 'GET'; readonly path: string },
): Request {
  const { service, method = 'POST', path } = send;
  return { operation, input, send: { by: 'google rest', service, method, path } };
}

/** `projects/P/locations/L`, as the user gives it. */
export function parentOf(given: JsonObject): { parent: string; project: string; location: string } {
  const parent = textIn(given, 'parent') ?? '';
  const [, project = '', location = ''] =
    /^projects\/([^/]+)\/locations\/([^/]+)$/.exec(parent) ?? [];
  return { parent, project, location };
}

/** A count that may be written as text, as Google's API has 64-bit numbers. */
export function countOf(from: JsonObject, name: string): number {
  const written = textIn(from, name);
  return written === undefined ? countIn(from, name) : countIn({ [name]: Number(written) }, name);
}
