import { allOf } from '../core/all-of.ts';
import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { checkedAddress } from './_address.ts';
import { askEach, pathProblem } from './_each.ts';
import type { BodyWanted } from './_formats-http.ts';
import {
  answerInBody,
  basicAuthorization,
  headerValue,
  headersProblem,
  isPage,
  urlBelow,
} from './_formats-http.ts';
import type { Options } from './_options.ts';
import { groupOption, recordOption, textOption } from './_options.ts';
import { putByHttp } from './_put-http.ts';
import { sharedOnce } from './_shared.ts';
import type { Answer, Store, StoreContext, StoreKind } from './_store.ts';
import { TLS_OPTIONS, tlsOf } from './_tls-files.ts';

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** A service that gives values by GET: each path is one request. */
const http: StoreKind = {
  kind: 'http',
  summary: 'A configuration service: GET of a URL below a base; JSON, .env lines or any bytes',
  path: 'what follows the base URL, written plainly: `app/db.json`, `app/settings?env=prod`',
  perCall: { paths: 1, inFlight: 16, valueBytes: BODY_BYTES_MAX },
  options: {
    url: {
      type: 'text',
      required: true,
      help:
        'the base: http(s)://host[:port][/path], with `basic` for a user and a password; any 404 ' +
        'or 410 below it is absence, but one with a page of HTML',
    },
    headers: { type: 'record', of: 'headers', help: 'headers that are no credentials' },
    secretHeaders: { type: 'references', help: 'headers whose values are in another store' },
    bearer: { type: 'reference', help: 'the token of `Authorization: Bearer`' },
    basic: {
      type: 'group',
      help: '`Authorization: Basic`',
      members: {
        user: { type: 'text', required: true, help: 'the name' },
        password: { type: 'reference', required: true, help: 'where the password is' },
      },
    },
    ...TLS_OPTIONS,
    format: {
      type: 'choice',
      of: ['json', 'dotenv', 'text'],
      help: 'what bodies are; by default Content-Type tells, then the ending of the path',
    },
  },
  auth: {
    bearer: 'a token from another store',
    basic: 'a user name, and a password from another store',
    secretHeaders: 'headers of any name from another store',
    cert: 'a client certificate and its key from files',
  },
  variables: {},
  places: [],
  open(options, context) {
    checkOptions(options, context.name);
    return openHttp(options, context);
  },
  rights(options, wanted) {
    const base = textOption(options, 'url') ?? '';
    return wanted.map(({ path }) => {
      return { system: 'other', text: `GET ${urlBelow(base, path) ?? path}` };
    });
  },
  writes: {
    rights(options, path) {
      const url = urlBelow(textOption(options, 'url') ?? '', path);
      return [{ system: 'other', text: `PUT ${url ?? path}` }];
    },
  },
};

export default http;

function checkOptions(options: Options, name: string): void {
  const [what] = [
    headersProblem(options),
    options['bearer'] !== undefined && options['basic'] !== undefined
      ? 'either `bearer` or `basic`: both are the header Authorization'
      : undefined,
  ].filter((problem) => problem !== undefined);
  if (what === undefined) return;
  throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${name}`], what });
}

/** What all requests of the store have. */
interface Facts {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsFacts;
}

function openHttp(options: Options, context: StoreContext): Store {
  const url = textOption(options, 'url') ?? '';
  const base = checkedAddress(context, url, { called: '`url`' });
  const format = textOption(options, 'format') as BodyWanted['format'];
  const tls = tlsOf(options, context);
  const facts = async (): Promise<Facts> => {
    const headers = await sharedOnce(context, `http ${context.name}`, async (by) => {
      return headersOf(options, by);
    });
    return { headers, ...(tls === undefined ? {} : { tls }) };
  };
  return {
    fetch: async (wanted) => {
      return askEach(context.caller, wanted, {
        keyOf: ({ path }) => path,
        ask: async ({ path }) => {
          const url = urlBelow(base, path);
          if (url === undefined) throw pathProblem(context, path, OUTSIDE);
          return get({ context, facts: await facts(), wanted: { path, format } }, url);
        },
      });
    },
    put: async (path, content, how) => {
      const url = urlBelow(base, path);
      if (url === undefined) throw pathProblem(context, path, OUTSIDE);
      await putByHttp({ context, path, url, content, ...(await facts()), ...how });
    },
    identity: async () => identityOf(options),
  };
}

const OUTSIDE = "a path may not contain '.' or '..' as a segment";

function identityOf(options: Options): string {
  const { user } = groupOption(options, 'basic');
  const cert = textOption(options, 'cert');
  if (typeof user === 'string') return `user ${user} (Basic)`;
  const named = Object.keys(groupOption(options, 'secretHeaders'));
  const ways = [
    ...(options['bearer'] === undefined ? [] : ['a bearer token']),
    ...(named.length === 0 ? [] : [`the headers ${named.join(', ')}`]),
    ...(cert === undefined ? [] : [`the certificate ${cert}`]),
  ];
  return ways.length === 0 ? 'nobody: no credentials are sent' : `whoever has ${ways.join(', ')}`;
}

async function headersOf(options: Options, context: StoreContext): Promise<Facts['headers']> {
  const secrets = Object.entries(groupOption(options, 'secretHeaders')).map(
    async ([name, reference]): Promise<[string, string]> => {
      const value = await context.secret(reference);
      return [name.toLowerCase(), credential(context, name, value.reveal())];
    },
  );
  const [named, authorization] = await allOf([allOf(secrets), authorizationOf(options, context)]);
  const plain = Object.entries(recordOption(options, 'headers'));
  return {
    accept: '*/*',
    // Values are bytes: nothing on the way may pack them.
    'accept-encoding': 'identity',
    ...Object.fromEntries(plain.map(([name, value]) => [name.toLowerCase(), value.trim()])),
    ...Object.fromEntries(named),
    ...authorization,
  };
}

async function authorizationOf(
  options: Options,
  context: StoreContext,
): Promise<{ readonly authorization?: string }> {
  if (options['bearer'] !== undefined) {
    const token = (await context.secret(options['bearer'])).reveal();
    return { authorization: `Bearer ${credential(context, 'bearer', token)}` };
  }
  const { user, password } = groupOption(options, 'basic');
  if (typeof user !== 'string') return {};
  return { authorization: basicAuthorization(user, (await context.secret(password)).reveal()) };
}

function credential({ name }: StoreContext, option: string, bytes: Uint8Array): string {
  const value = headerValue(Buffer.from(bytes).toString('latin1'));
  if (value !== undefined) return value;
  const what = 'its value is empty, or has characters that no header can have';
  const where = [`store ${name}`, option];
  throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
}

interface Getting {
  readonly context: StoreContext;
  readonly facts: Facts;
  readonly wanted: BodyWanted;
}

/** One redirect inside of the same server is followed: paths move, credentials stay. */
async function get(getting: Getting, url: string): Promise<Answer> {
  const first = await send(getting, url, true);
  if (!('moved' in first)) return first;
  const second = await send(getting, first.moved, false);
  if (!('moved' in second)) return second;
  throw new BellhopError('BH_ERR_BUG', { where: [], what: 'a second redirect was followed' });
}

type Got = Answer | { readonly moved: string };

async function send(
  { context, facts, wanted }: Getting,
  url: string,
  mayMove: boolean,
): Promise<Got> {
  const { io, caller } = context;
  return caller.send<Got>({
    name: `GET ${wanted.path}`,
    request: () => ({
      method: 'GET',
      url,
      ...facts,
      proxy: 'environment',
      protocol: 'h2',
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    judge: (answer) => {
      if (MOVED.has(answer.status)) return movedTo(answer, url, mayMove);
      const afterMs = retryAfterMs(answer.headers['retry-after'], io.clock.now());
      return verdictOfStatus(answer, afterMs) ?? decided(answer, wanted);
    },
  });
}

const MOVED: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function movedTo(answer: HttpAnswer, from: string, mayMove: boolean): Verdict<Got> {
  const to = URL.parse(answer.headers['location'] ?? '', from);
  const { origin } = new URL(from);
  if (mayMove && to?.origin === origin && to.username === '')
    return { kind: 'done', value: { moved: to.href } };
  const where = to === null ? 'nowhere' : to.origin === origin ? 'once more' : `to ${to.origin}`;
  const what = `HTTP ${answer.status} sends us on ${where}, and that is not followed`;
  return refused('BH_ERR_STORE_ANSWER', what);
}

function decided(answer: HttpAnswer, wanted: BodyWanted): Verdict<Answer> {
  const { status } = answer;
  switch (status) {
    case 200:
      return answerInBody(answer, wanted);
    case 404:
    case 410:
      return absenceOf(answer);
    case 401:
      return refused('BH_ERR_CREDENTIALS', 'HTTP 401: it does not take our credentials');
    case 403:
      return refused('BH_ERR_STORE_DENIED', 'HTTP 403');
    default:
      return status < 300
        ? refused('BH_ERR_STORE_ANSWER', `HTTP ${status} where only 200 is a value`)
        : refused('BH_ERR_SETTINGS', `HTTP ${status}: it will not take this request`);
  }
}

/** A server of files has its own words for what is not there; a gateway often has a page. */
function absenceOf(answer: HttpAnswer): Verdict<Answer> {
  const { status } = answer;
  if (!isPage(answer)) return { kind: 'done', value: { kind: 'absent', what: `HTTP ${status}` } };
  const help =
    'look at the address: a gateway may answer there. Where the service itself says so of what ' +
    'it does not have, have it say so without HTML';
  return refused(
    'BH_ERR_SETTINGS',
    `HTTP ${status} with a page of HTML is no word of absence`,
    help,
  );
}
