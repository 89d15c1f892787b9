import type { Verdict } from '../core/call.ts';
import { refused, refusedByStatus, verdictOfStatus } from '../core/call.ts';
import type { HttpAnswer, TlsFacts } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { Sealed } from '../core/sealed.ts';
import type { Json, Service } from '../wire/confidant.ts';
import { isJsonObject, pairBytes, readJsonText, readService } from '../wire/confidant.ts';
import type { OpenedService } from '../wire/confidant-formats.ts';
import { combinedText, exportedVariables } from '../wire/confidant-formats.ts';
import { checkedAddress } from './_address.ts';
import type { Aws } from './_aws.ts';
import { openAws } from './_aws.ts';
import { AWS } from './_aws-endpoints.ts';
import { AWS_AUTH, AWS_OPTIONS, AWS_VARIABLES } from './_aws-options.ts';
import { keyRight, roleRights } from './_aws-rights.ts';
import type { TokenFacts, Tokens } from './_confidant.ts';
import { openBlind, openTokens, tokenUser } from './_confidant.ts';
import type { ConfidantPath } from './_confidant-path.ts';
import { pairsInService, readPath, tokenFactsOf } from './_confidant-path.ts';
import { textOf, valueAnswer } from './_formats.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { flagOption, textOption } from './_options.ts';
import type { Doubted } from './_rest.ts';
import { doubted, failedAnswer, sendDoubting } from './_rest.ts';
import type { Answer, Store, StoreContext, StoreKind } from './_store.ts';
import { TLS_OPTIONS, tlsOf } from './_tls-files.ts';

/** A DynamoDB item has at most 400 KB, and a service may have many credentials. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const { region, fips, dualstack, auth } = AWS_OPTIONS as Readonly<
  Record<'region' | 'fips' | 'dualstack' | 'auth', OptionSpecs[string]>
>;

/** Lyft's Confidant: one request gives everything that a service has. */
const confidant: StoreKind = {
  kind: 'confidant',
  summary: "Lyft's Confidant: all credentials of a service, blind ones too, by one request",
  path: 'a service: `trainer`, or `.` for the option; with `?format=env` or `combined` as confidant-format has it',
  perCall: { paths: 1, inFlight: 16 },
  options: {
    url: { type: 'text', required: true, help: 'the server: https://HOST[:PORT]' },
    authKey: {
      type: 'text',
      required: true,
      help: 'the KMS key that proves who we are: `alias/NAME`, or an ARN',
    },
    to: { type: 'text', required: true, help: "the server's name in its tokens: its IAM role" },
    service: { type: 'text', help: 'our own service: what the path `.` names, and `from`' },
    from: { type: 'text', help: 'the IAM role or user that asks; else the service' },
    userType: { type: 'choice', of: ['service', 'user'], help: 'what `from` is; `service`' },
    tokenVersion: { type: 'number', help: '1 or 2, which is the default' },
    tokenLifetimeMinutes: {
      type: 'number',
      help: 'from 5 to 60, 3 minutes in the past included; 10 where absent',
    },
    htmlEscape6x: {
      type: 'flag',
      help: 'the server is 6.6.0 or 6.6.1, which stores values escaped as HTML: take that back',
    },
    blind: {
      type: 'choice',
      of: ['open', 'leave'],
      help: 'blind credentials are opened by KMS (default), or left out',
    },
    ...TLS_OPTIONS,
    ...({ region, fips, dualstack, auth } as OptionSpecs),
  },
  auth: AWS_AUTH,
  variables: AWS_VARIABLES,
  places: [],
  open(options, context) {
    return openConfidant(options, context);
  },
  rights(options, wanted) {
    const authKey = textOption(options, 'authKey') ?? '';
    const isLeft = textOption(options, 'blind') === 'leave';
    const services = [...new Set(wanted.map(({ path }) => path.split('?')[0]))];
    const texts = services.flatMap((service) => [
      `Confidant lets ${textOption(options, 'from') ?? service} read ${service}`,
      ...(isLeft ? [] : [`kms:Decrypt on the keys that ${service} has blind credentials under`]),
    ]);
    return [
      keyRight(['kms:Encrypt'], authKey, textOption(options, 'region')),
      ...texts.map((text) => ({ system: 'other' as const, text })),
      ...roleRights(options),
    ];
  },
};

export default confidant;

/** One store's way to its server. */
interface Server {
  readonly context: StoreContext;
  readonly options: Options;
  readonly aws: Aws;
  readonly url: string;
  readonly tls: TlsFacts | undefined;
}

function openConfidant(options: Options, context: StoreContext): Store {
  const url = checkedAddress(context, textOption(options, 'url') ?? '');
  // `ca` is the server's; that of AWS is AWS_CA_BUNDLE.
  const forAws = Object.entries(options).filter(([name]) => !Object.hasOwn(TLS_OPTIONS, name));
  const aws = openAws(AWS.kms, Object.fromEntries(forAws), context);
  const server: Server = { context, options, aws, url, tls: tlsOf(options, context) };
  const own = tokenFactsOf(options, textOption(options, 'service') ?? '', context.name);
  return {
    fetch: async (wanted) => {
      const services = new Map<string, Promise<Loaded>>();
      const answers = wanted.map(async ({ path }): Promise<Answer> => {
        try {
          const read = readPath(path, options, context.name);
          const loading = services.get(read.service) ?? load(server, read.service);
          services.set(read.service, loading);
          return await answerOf(await loading, read);
        } catch (error) {
          return failedAnswer(error);
        }
      });
      return Promise.all(answers);
    },
    identity: async () => `${tokenUser(own)}, by ${await aws.identity()}`,
  };
}

/** A service that is there, or that the server does not have. */
type Loaded = { readonly service: Service; readonly opened: Opening } | 'absent';

/** Opens blind credentials, each once: those that are enabled, or all. */
type Opening = (which: 'enabled' | 'all') => Promise<OpenedService>;

async function load(server: Server, name: string): Promise<Loaded> {
  const service = await ask(server, name);
  if (service === 'absent') return service;
  const authKey = textOption(server.options, 'authKey') ?? '';
  const once = new Map<string, ReturnType<typeof openBlind>>();
  const opened: Opening = async (which) => {
    const isLeft = textOption(server.options, 'blind') === 'leave';
    const wanted = isLeft ? [] : service.blind.filter((one) => which === 'all' || one.enabled);
    const blind = await Promise.all(
      wanted.map(async (one) => {
        const opening = once.get(one.id) ?? openBlind(server.aws, one, authKey);
        once.set(one.id, opening);
        return { ...one, pairs: await opening };
      }),
    );
    return { ...service, blind };
  };
  return { service, opened };
}

async function answerOf(loaded: Loaded, { format, prefix }: ConfidantPath): Promise<Answer> {
  if (loaded === 'absent') return { kind: 'absent', what: 'Confidant has no such service' };
  switch (format) {
    case 'env':
      return mapAnswer(exportedVariables(await loaded.opened('all'), prefix));
    case 'combined':
      return valueAnswer(Buffer.from(combinedText(await loaded.opened('all'))));
    case undefined:
      return mapAnswer(pairsInService(await loaded.opened('enabled')));
  }
}

function mapAnswer(pairs: ReadonlyMap<string, Json>): Answer {
  const entries = [...pairs].map(([key, value]): [string, Sealed] => {
    return [key, new Sealed(pairBytes(value))];
  });
  return { kind: 'map', entries: new Map(entries) };
}

async function tokensFor({ context, options }: Server, facts: TokenFacts): Promise<Tokens> {
  const { region: inRegion, auth: by } = options;
  const key = JSON.stringify(['confidant token', facts, inRegion, by]);
  return context.once(key, async () => openTokens(facts));
}

async function ask(server: Server, name: string): Promise<Service | 'absent'> {
  const { context, options, url, tls } = server;
  const { clock } = context.io;
  const facts = tokenFactsOf(options, name, context.name);
  const tokens = await tokensFor(server, facts);
  let sentMs = 0;
  return sendDoubting<Service | 'absent'>(context.caller, {
    name: `service ${name}`,
    request: async () => {
      const token = await tokens.token(server.aws);
      sentMs = clock.monotonicMs();
      const login = Buffer.from(`${tokenUser(facts)}:${token}`).toString('base64');
      return {
        method: 'GET',
        url: `${url}/v1/services/${encodeURIComponent(name)}`,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          authorization: `Basic ${login}`,
        },
        ...(tls === undefined ? {} : { tls }),
        proxy: 'environment',
        protocol: 'h1',
        bodyBytesMax: BODY_BYTES_MAX,
      };
    },
    judge: (answer) => {
      const afterMs = retryAfterMs(answer.headers['retry-after'], clock.now());
      const seen = { tookMs: clock.monotonicMs() - sentMs, nowMs: clock.now() };
      const usual = verdictOfStatus(answer, afterMs);
      return usual ?? verdictOf(answer, seen, flagOption(options, 'htmlEscape6x'));
    },
  });
}

interface Seen {
  readonly tookMs: number;
  readonly nowMs: number;
}

function verdictOf(
  answer: HttpAnswer,
  seen: Seen,
  htmlEscape6x: boolean,
): Verdict<Service | 'absent'> | Doubted {
  const text = textOf(answer.body);
  // Confidant 6.6.1 says text/html of its JSON.
  const body = text === undefined ? undefined : readJsonText(text);
  switch (answer.status) {
    case 200: {
      const service = readService(text ?? '', { htmlEscape6x });
      if (service !== undefined) return { kind: 'done', value: service };
      return body === undefined ? notWhole(answer) : stranger(200, 'without credentials');
    }
    case 404:
      return isJsonObject(body) ? { kind: 'done', value: 'absent' } : stranger(404);
    case 401:
      if (!isJsonObject(body)) return refusedByStatus(401, 'HTTP 401: we are not let in');
      return refused('BH_ERR_STORE_DENIED', 'HTTP 401: the service is of another account');
    case 403:
      if (!isJsonObject(body)) return notLetIn(answer, seen);
      return refused('BH_ERR_STORE_DENIED', 'HTTP 403: we may not read this service');
    default:
      return stranger(answer.status);
  }
}

/** A page is somebody else's answer; anything else may be half of the right one. */
function notWhole(answer: HttpAnswer): Verdict<never> {
  const isPage = Buffer.from(answer.body).toString('latin1').trimStart().startsWith('<');
  if (isPage) return stranger(200, 'with a page');
  return { kind: 'again', why: 'HTTP 200 with a body that is not JSON' };
}

function stranger(status: number, how = ''): Verdict<never> {
  const said = how === '' ? `HTTP ${status}` : `HTTP ${status} ${how}`;
  return refusedByStatus(status, `${said}, which is no answer of Confidant's`);
}

/**
 * Confidant says 403 too where KMS does not answer it: after 17 s or more, by its defaults. That is
 * asked again while there is time, and stays a refusal: nothing tells the two apart for sure.
 */
const SLOW_MS = 5000;
const SKEW_MS_MIN = 120_000;

function notLetIn(answer: HttpAnswer, { tookMs, nowMs }: Seen): Verdict<never> | Doubted {
  const seconds = Math.round(tookMs / 1000);
  if (tookMs >= SLOW_MS) {
    const what = `HTTP 403 after ${seconds} s: it does not take our token, or its KMS is down`;
    const slowly = refused(
      'BH_ERR_CREDENTIALS',
      what,
      "look at Confidant's KMS, then at `authKey`",
    );
    return doubted(slowly, { times: Infinity });
  }
  const behindMs = Date.parse(answer.headers['date'] ?? '') - nowMs;
  const isOff = Math.abs(behindMs) > SKEW_MS_MIN;
  const clocks = isOff ? ` (our clock and its differ by ${Math.round(behindMs / 1000)} s)` : '';
  const help = 'look at `authKey`, `from`, `to`, `userType`, `tokenVersion` and the lifetime';
  return refused('BH_ERR_CREDENTIALS', `HTTP 403: it does not take our token${clocks}`, help);
}
