// What is asked for one path, and what its answer says.
import type { Verdict } from '../core/call.ts';
import { refused, refusedByStatus } from '../core/call.ts';
import { Sealed } from '../core/sealed.ts';
import { jsonMembersAt } from '../wire/json-source.ts';
import type { Options } from './_options.ts';
import { textsOption } from './_options.ts';
import { recordIn, textIn } from './_rest.ts';
import type { Answer, AnswerFacts, Wanted } from './_store.ts';
import type { Mount } from './_vault-mounts.ts';
import type { VaultAnswer } from './_vault-server.ts';
import { encodedPath, wordsOf } from './_vault-server.ts';
import type { Authorized } from './_vault-session.ts';

/** How a path is asked for in the words of the API, and the right that it takes. */
export interface Logical {
  /** As a policy names it. */
  readonly path: string;
  readonly capability: 'read' | 'update';
  /** Names and values to go along, as they are written behind `?`. */
  readonly fields: readonly (readonly [string, string])[];
}

/** The logical path of what is wanted. In KV version 2 the folder `data` may be written or not. */
export function logicalOf({ path }: Wanted, mount: Mount, options: Options): Logical {
  if (mount.engine === 'kv2') {
    const below = path.slice(mount.path.length).replace(/^data\//, '');
    return { path: `${mount.path}data/${below}`, capability: 'read', fields: [] };
  }
  if (mount.engine === 'kv1') return { path, capability: 'read', fields: [] };
  const [plain = '', query] = splitOnce(path, '?');
  const isWrite = textsOption(options, 'write').some((one) => {
    const start = one.replace(/^\/+|\/+$/g, '');
    return plain === start || plain.startsWith(`${start}/`);
  });
  const fields = (query ?? '')
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const [name = '', value = ''] = splitOnce(pair, '=');
      return [name, value];
    });
  return { path: plain, capability: isWrite ? 'update' : 'read', fields };
}

function splitOnce(text: string, by: string): string[] {
  const at = text.indexOf(by);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

/** The request for one path; or what is wrong with the path. */
export function readOf(
  wanted: Wanted,
  mount: Mount,
  options: Options,
): Authorized<Answer> | { readonly wrong: string } {
  const { path, capability, fields } = logicalOf(wanted, mount, options);
  const encoded = encodedPath(path);
  if (encoded === undefined) return { wrong: 'a path has no empty segment, no `.` and no `..`' };
  const { version } = wanted;
  if (version !== undefined && mount.engine !== 'kv2') {
    return { wrong: `only version 2 of the KV engine has versions, and ${mount.path} is none` };
  }
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
    return { wrong: 'a version is a number from 1' };
  }
  const all = version === undefined ? fields : ([['version', version]] as const);
  const judge = (answer: VaultAnswer): Verdict<Answer> => answerOf(answer, mount, version);
  const right = `path "${path}" { capabilities = ["${capability}"] }`;
  const facts = { name: wanted.path.split('?', 1)[0] ?? '', right, judge };
  if (capability === 'update') {
    const body = JSON.stringify(Object.fromEntries(all));
    return { ...facts, method: 'PUT', path: encoded, body, once: true };
  }
  const query = all.map(([name, value]) => {
    return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  });
  const asked = query.length === 0 ? encoded : `${encoded}?${query.join('&')}`;
  // Each read of an engine that lends something lends another one.
  const once = mount.engine === 'other' ? { once: true as const } : {};
  return { ...facts, method: 'GET', path: asked, ...once };
}

function answerOf(answer: VaultAnswer, mount: Mount, version: string | undefined): Verdict<Answer> {
  const { status } = answer;
  if (status === 200) {
    return mount.engine === 'kv2' ? versionAnswer(answer) : plainAnswer(answer);
  }
  if (status === 204) return absent('there is nothing at this path');
  if (status === 404) return absenceOf(answer, version);
  const what = `HTTP ${status}, ${wordsOf(answer)}`;
  // Vault itself never says 401: a gateway does.
  if (status === 401) return refusedByStatus(status, what);
  const isUpdate = status === 405 || wordsOf(answer).includes('unsupported operation');
  const help = isUpdate
    ? 'if it answers updates only, list its path in the option `write`'
    : undefined;
  return refused('BH_ERR_SETTINGS', what, help);
}

function absent(what: string): Verdict<Answer> {
  return { kind: 'done', value: { kind: 'absent', what } };
}

/** A 404 of KV has an empty list of errors; one that gives a reason is about something else. */
function absenceOf(answer: VaultAnswer, version: string | undefined): Verdict<Answer> {
  const { json, errors } = answer;
  const metadata = recordIn(recordIn(json, 'data'), 'metadata');
  const { version: number } = metadata;
  if (metadata['destroyed'] === true) return absent(`version ${String(number)} was destroyed`);
  if (textIn(metadata, 'deletion_time') !== undefined) {
    return absent(`version ${String(number)} was deleted`);
  }
  if (errors.length > 0) return refused('BH_ERR_SETTINGS', `HTTP 404, ${wordsOf(answer)}`);
  // KV says so of a path of its version 1 in its version 2.
  if (Array.isArray(json['warnings']) && json['warnings'].length > 0) {
    const what = 'HTTP 404 with a warning: the engine does not have paths of this form';
    return refused('BH_ERR_SETTINGS', what, 'look at the option `mounts`, if it names this mount');
  }
  if (!Array.isArray(json['errors'])) {
    return refusedByStatus(404, 'HTTP 404 that is none of Vault');
  }
  return absent(version === undefined ? 'there is no such secret' : 'there is no such version');
}

function versionAnswer({ body, json }: VaultAnswer): Verdict<Answer> {
  const { version } = recordIn(recordIn(json, 'data'), 'metadata');
  const facts = typeof version === 'number' ? { version: String(version) } : {};
  return mapAnswer(jsonMembersAt({ bytes: body, parsed: json }, ['data', 'data']), {
    ...facts,
    ...leaseOf(json),
  });
}

function plainAnswer({ body, json }: VaultAnswer): Verdict<Answer> {
  return mapAnswer(jsonMembersAt({ bytes: body, parsed: json }, ['data']), leaseOf(json));
}

/**
 * `lease_duration` (seconds) is a promise only where there is a lease: KV 1 has a number too. One
 * that is no time promises nothing.
 */
function leaseOf(json: Readonly<Record<string, unknown>>): AnswerFacts {
  if (textIn(json, 'lease_id') === undefined) return {};
  const { lease_duration: seconds } = json;
  const isTime = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0;
  return { leaseMs: isTime ? seconds * 1000 : 0 };
}

function mapAnswer(
  members: ReadonlyMap<string, Uint8Array> | undefined,
  facts: AnswerFacts,
): Verdict<Answer> {
  if (members === undefined) return refused('BH_ERR_STORE_ANSWER', 'HTTP 200 without data');
  const entries = new Map<string, Sealed>();
  for (const [name, bytes] of members) entries.set(name, new Sealed(bytes));
  const known = Object.keys(facts).length === 0 ? {} : { facts };
  return { kind: 'done', value: { kind: 'map', entries, ...known } };
}
