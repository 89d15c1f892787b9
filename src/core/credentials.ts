/**
 * What an attempt has sent to prove who we are is kept out of what is told of it: debug pages,
 * firewalls and gateways repeat a request's headers and body in their answers.
 */
import { BellhopError } from './errors.ts';
import type { HttpAnswer, HttpRequest } from './io/net-types.ts';

/** Takes the credentials of one attempt out of texts. */
export interface Hiding {
  text(text: string): string;
  /** The same for the body of an answer that is no success; a success holds values. */
  answer(answer: HttpAnswer): HttpAnswer;
}

const HIDDEN = '[credential]';
/** Shorter ones are everyday words: hidden only where they stand alone, and not below the least. */
const LENGTH_MIN = 8;
const LENGTH_LEAST = 4;

/** Of one HTTP request; `isLogin` where its body and query hold credentials, too. */
export function hidingOf(request: HttpRequest, isLogin: boolean): Hiding {
  return hide(() => [
    ...Object.entries(request.headers).flatMap(inHeader),
    ...inSignedUrl(request.url),
    ...(isLogin ? [...inQuery(request.url), ...inBody(request.body)] : []),
  ]);
}

/** Of what is not HTTP: these texts. */
export function hidingTexts(credentials: readonly string[]): Hiding {
  return hide(() => credentials);
}

/** Nothing is computed before something is told. */
function hide(credentials: () => readonly string[]): Hiding {
  let made: { readonly all: RegExp | undefined; readonly long: readonly string[] } | undefined;
  const text = (given: string): string => {
    made ??= patternOf(credentials());
    const { all, long } = made;
    if (all === undefined) return given;
    const parts = given.replace(all, HIDDEN).split(CUT);
    return parts.map((part) => withoutBeginning(part, long)).join(CUT);
  };
  return {
    text,
    answer: (answer) => {
      if (answer.status < 300 || answer.body.length === 0) return answer;
      const told = Buffer.from(answer.body).toString();
      const hidden = text(told);
      return hidden === told ? answer : { ...answer, body: Buffer.from(hidden) };
    },
  };
}

/** What these hold: a verdict's texts, whatever its kind. */
interface Telling {
  readonly why?: string;
  readonly what?: string;
  readonly help?: string;
}

/** The outcome of the work, and the problem that it throws, without what the attempt has sent. */
export async function withoutCredentials<T extends object>(
  hiding: Hiding,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const outcome: T & Telling = await work();
    // A value tells nothing, and there are hundreds of them in a start.
    if (!('why' in outcome || 'what' in outcome)) return outcome;
    const told = Object.entries(outcome).filter(([name]) => TELLING.has(name));
    if (told.length === 0) return outcome;
    return {
      ...outcome,
      ...Object.fromEntries(told.map(([name, one]) => [name, hiding.text(one)])),
    };
  } catch (error) {
    if (!(error instanceof BellhopError)) throw error;
    const { code, where, cause } = error;
    const [what, help] = [hiding.text(error.what), hiding.text(error.help)];
    throw new BellhopError(code, { where, what, help, cause });
  }
}

const TELLING: ReadonlySet<string> = new Set(['why', 'what', 'help'] satisfies (keyof Telling)[]);

/** Headers that say nothing of who we are; short values need no entry. */
const HARMLESS_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'content-type',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-target',
  'x-goog-user-project',
  'x-ms-date',
  'x-vault-namespace',
  'x-vault-request',
]);

function inHeader([name, value]: readonly [string, string]): readonly string[] {
  if (HARMLESS_HEADERS.has(name.toLowerCase())) return [];
  const given = value.trim();
  const [, scheme, proof] = /^([\w-]+) +(.+)$/.exec(given) ?? [];
  if (scheme === undefined || proof === undefined) return [given];
  if (scheme.toLowerCase() !== 'basic') return [given, proof, ...signatureIn(proof)];
  const plain = Buffer.from(proof, 'base64').toString();
  return [proof, plain, plain.slice(plain.indexOf(':') + 1)];
}

/** Of AWS's Authorization; the rest of it is public. */
function signatureIn(proof: string): readonly string[] {
  const [, signature] = /\bSignature=(\w+)/.exec(proof) ?? [];
  return signature === undefined ? [] : [signature];
}

/** Fields of logins that say what is asked for, and messages need. */
const HARMLESS_FIELDS = new Set(
  (
    'Action Version RoleArn RoleSessionName DurationSeconds api-version audience client_id ' +
    'client_assertion_type format grant_type grantType msi_res_id name object_id principal_id ' +
    'requested_token_type resource role scope subject_token_type iam_http_request_method'
  ).split(' '),
);

function inFields(fields: Iterable<readonly [string, unknown]>): readonly string[] {
  return [...fields].flatMap(([name, value]) => (HARMLESS_FIELDS.has(name) ? [] : textsIn(value)));
}

function textsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (typeof value === 'object' && value !== null) return inFields(Object.entries(value));
  if (typeof value !== 'string') return [];
  // Vault's AWS login holds signed headers like this.
  const inner = objectIn(Buffer.from(value, 'base64').toString());
  return inner === undefined ? [value] : [value, ...textsIn(inner)];
}

function inQuery(url: string): readonly string[] {
  return inFields(URL.parse(url)?.searchParams ?? []);
}

/** Of a URL that is proof by itself: Azure's shared access signatures. */
function inSignedUrl(url: string): readonly string[] {
  if (!/[?&]sig=/.test(url)) return [];
  return URL.parse(url)?.searchParams.getAll('sig') ?? [];
}

function inBody(body: HttpRequest['body']): readonly string[] {
  if (body === undefined) return [];
  const text = typeof body === 'string' ? body : Buffer.from(body).toString();
  const json = objectIn(text);
  return json === undefined ? inFields(new URLSearchParams(text)) : textsIn(json);
}

function objectIn(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** As answers repeat it: plain, within JSON once or twice, in a URL, in HTML, in Base64. */
function formsOf(credential: string): readonly string[] {
  const bytes = Buffer.from(credential);
  const encoded = encodeText(credential);
  const json = inJson(credential);
  const forms = [
    credential,
    json,
    inJson(json),
    ascii(json),
    inJson(ascii(json)),
    encoded,
    encoded.replace(/%20/g, '+'),
    encoded.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`),
    inHtml(credential),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
  // A message is one printable line.
  return forms.flatMap((form) => [form, form.replace(/[^\x20-\x7e]+/g, ' ').trim()]);
}

function encodeText(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function inHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => HTML_SIGNS[sign] ?? sign);
}

const HTML_SIGNS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function patternOf(credentials: readonly string[]) {
  const forms = [...new Set(credentials)]
    .filter((one) => one.length >= LENGTH_LEAST)
    .flatMap(formsOf);
  const sorted = [...new Set(forms)]
    .filter((form) => form.length >= LENGTH_LEAST)
    .toSorted((one, other) => other.length - one.length);
  const patterns = sorted.map((form) => {
    const escaped = form.replace(/[$()*+./?[\\\]^{|}-]/g, '\\$&');
    return form.length < LENGTH_MIN ? `(?<![a-z0-9])${escaped}(?![a-z0-9])` : escaped;
  });
  const all = patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'gi');
  return { all, long: sorted.filter((form) => form.length >= LENGTH_MIN) };
}

/** What stands where a long text was cut off, and so perhaps a credential in it. */
const CUT = ' …';

function withoutBeginning(text: string, forms: readonly string[]): string {
  for (const form of forms) {
    for (let length = Math.min(form.length, text.length); length >= LENGTH_MIN; length -= 1) {
      if (text.endsWith(form.slice(0, length))) return `${text.slice(0, -length)}${HIDDEN}`;
    }
  }
  return text;
}
