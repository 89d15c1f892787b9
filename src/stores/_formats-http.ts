// What the HTTP store sends, and what the bodies that come back are.
import type { Verdict } from '../core/call.ts';
import { notJson, refused } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import type { Format } from './_formats.ts';
import { dotenvMap, formatOfName, isJson, valueAnswer } from './_formats.ts';
import type { Options } from './_options.ts';
import { groupOption, recordOption } from './_options.ts';
import type { Answer } from './_store.ts';

/** Headers that are the connection's own business. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|accept-encoding|te|upgrade|expect)$/i;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110: visible characters, with spaces and tabs between them. */
const VALUE = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/;

function headerNameProblem(name: string): string | undefined {
  if (!NAME.test(name)) return `${JSON.stringify(name)} cannot be the name of a header`;
  return RESERVED.test(name) ? `the header ${name} is set by bellhop itself` : undefined;
}

/** What is wrong with headers that are written in the settings, or undefined. */
export function headersProblem(options: Options): string | undefined {
  const plain = recordOption(options, 'headers');
  const names = [...Object.keys(plain), ...Object.keys(groupOption(options, 'secretHeaders'))];
  for (const name of names) {
    const problem = headerNameProblem(name);
    if (problem !== undefined) return problem;
  }
  const odd = Object.entries(plain).find(([, value]) => headerValue(value) === undefined);
  return odd === undefined ? undefined : `no header can have the value of ${odd[0]}`;
}

/** A header's value without white space at its ends; undefined where no header can have it. */
export function headerValue(text: string): string | undefined {
  const trimmed = text.trim();
  return VALUE.test(trimmed) ? trimmed : undefined;
}

/**
 * The URL of a path below a base. Paths are written plainly: each segment, and each name and value
 * behind a `?`, is percent-encoded here. Undefined for a path that would leave the base.
 */
export function urlBelow(base: string, path: string): string | undefined {
  const question = path.indexOf('?');
  const segments = (question < 0 ? path : path.slice(0, question)).replace(/^\/+/, '').split('/');
  const isOutside = segments.some((one) => one === '.' || one === '..');
  if (isOutside || !path.isWellFormed()) return undefined;
  const below = segments.map(encodeURIComponent).join('/');
  const query = question < 0 ? '' : `?${encodedQuery(path.slice(question + 1))}`;
  return `${base.replace(/\/+$/, '')}/${below}${query}`;
}

function encodedQuery(written: string): string {
  const pairs = written.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 0) return encodeURIComponent(pair);
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)];
    return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  });
  return pairs.join('&');
}

/** What a body is to be read as, and for which path it came. */
export interface BodyWanted {
  readonly path: string;
  /** As the store's options say; else the type or the ending decides. */
  readonly format: Exclude<Format, 'yaml'> | undefined;
}

/** The answer in the body of a 200; what looks like a page for people is never a value. */
export function answerInBody(answer: HttpAnswer, wanted: BodyWanted): Verdict<Answer> {
  const { body, headers } = answer;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return refused('BH_ERR_STORE_ANSWER', 'its body is compressed');
  const [name = ''] = wanted.path.split('?');
  const asked = { name, type: mediaType(headers['content-type'] ?? ''), format: wanted.format };
  if (isStrayPage(asked, answer)) {
    const what = 'HTTP 200 with a page of HTML where a value should be';
    return refused('BH_ERR_STORE_ANSWER', what, PAGE_HELP);
  }
  const format = wanted.format ?? formatOf(asked);
  if (format === 'json' && !isJson(body)) return notJson(answer);
  return format === 'dotenv' ? variablesIn(body) : done(valueAnswer(body));
}

function done(value: Answer): Verdict<Answer> {
  return { kind: 'done', value };
}

function variablesIn(body: Uint8Array): Verdict<Answer> {
  const entries = dotenvMap(body);
  if (entries !== undefined) return done({ kind: 'map', entries });
  return refused('BH_ERR_STORE_ANSWER', 'HTTP 200 with a body that is not NAME=value lines');
}

const PAGE_HELP = 'look at the address and the credentials: a login page may answer there';

interface Asked {
  /** The path without its query. */
  readonly name: string;
  readonly type: string;
  readonly format: BodyWanted['format'];
}

function mediaType(contentType: string): string {
  return contentType.replace(/;.*$/, '').trim().toLowerCase();
}

function formatOf({ type, name }: Asked): Format {
  if (/^application\/([-.\w]+\+)?json$/.test(type)) return 'json';
  const byName = formatOfName(name);
  return byName === 'json' || byName === 'dotenv' ? byName : 'text';
}

/** A page where none is wanted; what is JSON by the settings may have any type. */
function isStrayPage({ name, format }: Asked, answer: HttpAnswer): boolean {
  if (/\.x?html?$/i.test(name) || !isPage(answer)) return false;
  return format !== 'json' || !isJson(answer.body);
}

/** True for HTML, by its type or by how it begins. */
export function isPage({ headers, body }: HttpAnswer): boolean {
  const type = mediaType(headers['content-type'] ?? '');
  if (type === 'text/html' || type === 'application/xhtml+xml') return true;
  const start = Buffer.from(body.subarray(0, PAGE_START_BYTES)).toString('latin1');
  return /^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)[\s>]/i.test(start);
}

const PAGE_START_BYTES = 200;

/** `Basic` of RFC 7617 in UTF-8; the password without the line end that a file has. */
export function basicAuthorization(user: string, password: Uint8Array): string {
  let end = password.length;
  while (end > 0 && (password[end - 1] === 0x0a || password[end - 1] === 0x0d)) end -= 1;
  const pair = Buffer.concat([Buffer.from(`${user}:`), password.subarray(0, end)]);
  return `Basic ${pair.toString('base64')}`;
}
