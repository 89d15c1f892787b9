import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import type { Aws } from './_aws.ts';
import { openAws } from './_aws.ts';
import { answered, answerEach, groupBy, groupsWithoutTwins } from './_aws-answers.ts';
import { pathProblem, wantedKey } from './_each.ts';
import { AWS, partitionName, readArn } from './_aws-endpoints.ts';
import { isFault, isOfIdentity, isTooMuch } from './_aws-errors.ts';
import { awsDataKeys } from './_aws-kms.ts';
import { AWS_AUTH, AWS_OPTIONS, AWS_PLACES, AWS_VARIABLES } from './_aws-options.ts';
import { AWS_DATA_KEYS, iamName, openedBy, roleRights } from './_aws-rights.ts';
import { callJson, objectsIn } from './_aws-send.ts';
import { regionOf } from './_aws-settings.ts';
import { textOption } from './_options.ts';
import type { Answer, Right, StoreKind, Wanted } from './_store.ts';

/** Names, and MaxResults of GetParametersByPath: at most 10 (botocore 1.44.5, service model). */
const NAMES_MAX = 10;
/** The value of an advanced parameter: at most 8 KB (the same model). */
const VALUE_BYTES_MAX = 8192;
/** JSON may need 6 bytes for one, beside the other fields. */
const BODY_BYTES_MAX = NAMES_MAX * 256 * 1024;
const PAGES_MAX = 1000;

const ssm: StoreKind = {
  kind: 'aws-ssm',
  summary: 'AWS Systems Manager Parameter Store, decrypted',
  path: "a parameter's name or ARN; with `/` at the end all below it as a map: `/prod/app/`",
  version: 'a version number or a label: `/prod/db@3`; the latest version where absent',
  perCall: { paths: NAMES_MAX, inFlight: 32, valueBytes: VALUE_BYTES_MAX },
  options: AWS_OPTIONS,
  auth: AWS_AUTH,
  variables: AWS_VARIABLES,
  places: [...AWS_PLACES, 'AWS_ENDPOINT_URL_SSM'],
  open(options, context) {
    const aws = openAws(AWS.ssm, options, context);
    return {
      fetch: async (wanted) => answerEach(wanted, async (distinct) => askAll(aws, distinct)),
      identity: aws.identity,
      dataKey: awsDataKeys(aws),
    };
  },
  rights(options, wanted): readonly Right[] {
    const region = textOption(options, 'region');
    const seen = new Map(wanted.map(({ path }) => [path, path.endsWith('/')]));
    const reads = [...seen].map(([path, isFolder]): Right => {
      const action = isFolder ? 'ssm:GetParametersByPath' : 'ssm:GetParameters';
      return { system: 'aws', actions: [action], resource: resourceOf(path, region) };
    });
    return [...reads, ...openedBy('ssm', wanted, options), ...roleRights(options)];
  },
  dataKeys: AWS_DATA_KEYS,
};

export default ssm;

function resourceOf(path: string, region: string | undefined): string {
  if (readArn(path) !== undefined) return iamName(path);
  const name = iamName(path.replace(/^\/+|\/+$/g, ''));
  return `arn:${partitionName(region)}:ssm:${region ?? '*'}:*:parameter/${name}`;
}

type Answers = Map<string, Answer>;
type JsonObject = Readonly<Record<string, unknown>>;

/** Names in groups of ten for each region, and each folder, all at the same time. */
async function askAll(aws: Aws, wanted: readonly Wanted[]): Promise<Answers> {
  const answers: Answers = new Map();
  const folders = wanted
    .filter(({ path }) => path.endsWith('/'))
    .map(async (folder) => {
      answers.set(wantedKey(folder), await answered(askFolder(aws, folder)));
    });
  const names = wanted.filter(({ path }) => !path.endsWith('/'));
  const groups = [...groupBy(names, ({ path }) => readArn(path)?.region ?? '').values()]
    .flatMap((group) => groupsWithoutTwins(group, NAMES_MAX, ({ path }) => bareName(path)))
    .map(async (group) => askGroup(aws, group, answers));
  await Promise.all([...folders, ...groups]);
  return answers;
}

/** A parameter's ARN does not tell whether its name starts with a slash. */
function bareName(path: string): string {
  const resource = readArn(path)?.resource;
  return (resource ?? path).replace(/^parameter\//, '').replace(/^\//, '');
}

/** `name:3` or `name:label`. */
function selected({ path, version }: Wanted): string {
  return version === undefined ? path : `${path}:${version}`;
}

async function askGroup(aws: Aws, group: readonly Wanted[], answers: Answers): Promise<void> {
  const set = (wanted: Wanted, answer: Answer): void => {
    answers.set(wantedKey(wanted), answer);
  };
  try {
    const said = await askNames(aws, group);
    // One name that is not allowed, or that is none, is the refusal of all ten.
    if (said === undefined) {
      await Promise.all(group.map(async (one) => askGroup(aws, [one], answers)));
    } else for (const one of group) set(one, answerIn(aws, said, one));
  } catch (problem) {
    if (!(problem instanceof BellhopError)) throw problem;
    for (const one of group) set(one, { kind: 'failed', problem });
  }
}

interface Said {
  readonly parameters: readonly JsonObject[];
  readonly invalid: readonly unknown[];
}

/** Undefined where the names must be asked for one by one. */
async function askNames(aws: Aws, group: readonly Wanted[]): Promise<Said | undefined> {
  return callJson<Said | undefined>(aws, {
    service: AWS.ssm,
    region: regionOf(aws.context, aws.settings, group[0]?.path),
    signer: aws.signer,
    operation: 'GetParameters',
    count: group.length,
    input: { Names: group.map(selected), WithDecryption: true },
    bodyBytesMax: BODY_BYTES_MAX,
    done: ({ Parameters: list, InvalidParameters: names }) => {
      if (!Array.isArray(list)) return { kind: 'again', why: 'an answer without Parameters' };
      const invalid: unknown[] = Array.isArray(names) ? names : [];
      return { kind: 'done', value: { parameters: objectsIn(list), invalid } };
    },
    judge: (failure, { status }) => {
      const isForAll = isTooMuch(failure) || isOfIdentity(failure) || isFault(failure);
      if (isForAll || status >= 500 || group.length === 1) return undefined;
      return { kind: 'done', value: undefined };
    },
  });
}

/** A group has no two of one bare name, so that tells whose answer it is. */
function answerIn(aws: Aws, { parameters, invalid }: Said, wanted: Wanted): Answer {
  const { path, version } = wanted;
  const found = parameters.find(({ Name: name }) => {
    return typeof name === 'string' && bareName(name) === bareName(path);
  });
  if (found !== undefined) return valueOf(aws, path, found);
  if (!invalid.includes(selected(wanted)) && !invalid.includes(path)) {
    return unsaid(aws, path, 'GetParameters says nothing of it');
  }
  const none = 'there is no such parameter';
  if (version !== undefined) return { kind: 'absent', what: `${none}, or it has no such version` };
  const what = path.startsWith('/') ? `${none}; all below it would be ${path}/` : none;
  return { kind: 'absent', what };
}

function unsaid({ context }: Aws, path: string, what: string): Answer {
  const where = [`store ${context.name}`, path];
  return { kind: 'failed', problem: new BellhopError('BH_ERR_STORE_ANSWER', { where, what }) };
}

const encoder = new TextEncoder();

function valueOf(aws: Aws, path: string, { Value: text, Version: version }: JsonObject): Answer {
  if (typeof text !== 'string') return unsaid(aws, path, 'the answer has no value');
  const facts = typeof version === 'number' ? { facts: { version: String(version) } } : {};
  return { kind: 'value', value: new Sealed(encoder.encode(text)), ...facts };
}

/** All parameters below a path, by their names behind it. */
async function askFolder(aws: Aws, { path, version }: Wanted): Promise<Answer> {
  const { context } = aws;
  if (!path.startsWith('/')) {
    throw pathProblem(context, path, 'a path of many parameters must start with /');
  }
  if (version !== undefined && !/^[A-Za-z_][\w.-]*$/.test(version)) {
    const what = 'many parameters have a label in common, but no version number';
    throw pathProblem(context, path, what);
  }
  const entries = new Map<string, Sealed>();
  let token: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await askPage(aws, { path, label: version, token });
    for (const [key, value] of page.entries) entries.set(key, value);
    token = page.next;
    if (token !== undefined) continue;
    if (entries.size > 0) return { kind: 'map', entries };
    return { kind: 'absent', what: 'there are no parameters below it' };
  }
  return unsaid(aws, path, `it has more than ${PAGES_MAX} pages of parameters`);
}

interface PageWish {
  readonly path: string;
  readonly label: string | undefined;
  readonly token: string | undefined;
}

interface Page {
  readonly entries: ReadonlyMap<string, Sealed>;
  readonly next: string | undefined;
}

async function askPage(aws: Aws, { path, label, token }: PageWish): Promise<Page> {
  const filters = [{ Key: 'Label', Option: 'Equals', Values: [label] }];
  return callJson<Page>(aws, {
    service: AWS.ssm,
    region: regionOf(aws.context, aws.settings),
    signer: aws.signer,
    operation: 'GetParametersByPath',
    input: {
      Path: path === '/' ? path : path.replace(/\/+$/, ''),
      Recursive: true,
      WithDecryption: true,
      MaxResults: NAMES_MAX,
      ...(label === undefined ? {} : { ParameterFilters: filters }),
      ...(token === undefined ? {} : { NextToken: token }),
    },
    bodyBytesMax: BODY_BYTES_MAX,
    done: ({ Parameters: list, NextToken: next }) => {
      if (!Array.isArray(list)) return { kind: 'again', why: 'an answer without Parameters' };
      const pairs = objectsIn(list).flatMap(({ Name, Value }): [string, Sealed][] => {
        if (typeof Name !== 'string' || typeof Value !== 'string') return [];
        const key = Name.startsWith(path) ? Name.slice(path.length) : Name;
        return [[key, new Sealed(encoder.encode(Value))]];
      });
      const more = typeof next === 'string' && next !== '' ? next : undefined;
      return { kind: 'done', value: { entries: new Map(pairs), next: more } };
    },
  });
}
