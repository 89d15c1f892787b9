import { BellhopError } from '../core/errors.ts';
import type { Aws } from './_aws.ts';
import { openAws } from './_aws.ts';
import { answered, answerEach, groupBy, groupsWithoutTwins } from './_aws-answers.ts';
import { wantedKey } from './_each.ts';
import { AWS, partitionName, readArn } from './_aws-endpoints.ts';
import { isFault, isOfIdentity, isTooMuch } from './_aws-errors.ts';
import { awsDataKeys } from './_aws-kms.ts';
import { AWS_AUTH, AWS_OPTIONS, AWS_PLACES, AWS_VARIABLES } from './_aws-options.ts';
import { AWS_DATA_KEYS, iamName, openedBy, roleRights } from './_aws-rights.ts';
import { failureOfSecret, findSecret, nameOfSecret, valueOfSecret } from './_aws-secret-answers.ts';
import type { SecretAnswers } from './_aws-secret-answers.ts';
import { callJson, objectsIn } from './_aws-send.ts';
import { regionOf } from './_aws-settings.ts';
import { textOption } from './_options.ts';
import type { Answer, Right, StoreKind, Wanted } from './_store.ts';

/** SecretIdList of BatchGetSecretValue: at most 20 (botocore 1.44.5, service model). */
const BATCH_MAX = 20;
/** SecretString and SecretBinary: at most 65,536 (the same model). */
const VALUE_BYTES_MAX = 65_536;
/** JSON may need 6 bytes for one, beside the other fields. */
const ONE_BODY_BYTES_MAX = 1024 * 1024;
const BATCH_BODY_BYTES_MAX = BATCH_MAX * ONE_BODY_BYTES_MAX;

const secretsManager: StoreKind = {
  kind: 'aws-secrets-manager',
  summary: 'AWS Secrets Manager',
  path: "a secret's name or ARN, with or without the ARN's six last characters: `prod/db`",
  version: 'a version id, or a staging label: `prod/db@AWSPREVIOUS`; AWSCURRENT where absent',
  perCall: { paths: BATCH_MAX, inFlight: 32, valueBytes: VALUE_BYTES_MAX },
  options: AWS_OPTIONS,
  auth: AWS_AUTH,
  variables: AWS_VARIABLES,
  places: [...AWS_PLACES, 'AWS_ENDPOINT_URL_SECRETS_MANAGER'],
  open(options, context) {
    const aws = openAws(AWS.secretsManager, options, context);
    return {
      fetch: async (wanted) => answerEach(wanted, async (distinct) => askAll(aws, distinct)),
      identity: aws.identity,
      dataKey: awsDataKeys(aws),
    };
  },
  rights(options, wanted): readonly Right[] {
    const region = textOption(options, 'region');
    const resources = new Set(wanted.flatMap(({ path }) => resourcesOf(path, region)));
    const reads = [...resources].map((resource): Right => {
      return { system: 'aws', actions: ['secretsmanager:GetSecretValue'], resource };
    });
    const plain = wanted.filter(({ version }) => version === undefined);
    const hasBatch = new Set(plain.map(({ path }) => path)).size > 1;
    const actions = ['secretsmanager:BatchGetSecretValue'];
    return [
      ...reads,
      ...(hasBatch ? [{ system: 'aws', actions, resource: '*' } as const] : []),
      ...openedBy('secretsmanager', wanted, options),
      ...roleRights(options),
    ];
  },
  dataKeys: AWS_DATA_KEYS,
};

export default secretsManager;

/** A name stands for the secret's ARN, whose last six characters nobody knows. */
function resourcesOf(path: string, region: string | undefined): string[] {
  const place = `arn:${partitionName(region)}:secretsmanager:${region ?? '*'}:*:secret:`;
  const suffix = /-([A-Za-z0-9]{6})$/.exec(path)?.[1];
  const name = iamName(path);
  if (readArn(path) === undefined) return [`${place}${name}-??????`];
  if (suffix === undefined) return [`${name}-??????`];
  // `-config` may be the end of a name: AWS's own six are seldom all small letters.
  return /^[a-z]+$/.test(suffix) ? [name, `${name}-??????`] : [name];
}

type Answers = Map<string, Answer>;

/** Versions one by one, the rest in batches, all at the same time. */
async function askAll(aws: Aws, wanted: readonly Wanted[]): Promise<Answers> {
  const answers: Answers = new Map();
  const one = async (single: Wanted): Promise<void> => {
    answers.set(wantedKey(single), await answered(askOne(aws, single)));
  };
  const versions = wanted.filter(({ version }) => version !== undefined);
  const current = wanted.filter(({ version }) => version === undefined);
  const batches = [...groupBy(current, ({ path }) => readArn(path)?.region ?? '').values()]
    .flatMap((group) => groupsWithoutTwins(group, BATCH_MAX, ({ path }) => nameOfSecret(path)))
    .map(async (batch) => {
      // One is asked for alone: that needs one right less.
      const left = batch.length === 1 ? batch : await askBatch(aws, batch, answers);
      await Promise.all(left.map(one));
    });
  await Promise.all([...versions.map(one), ...batches]);
  return answers;
}

async function askOne(aws: Aws, { path, version }: Wanted): Promise<Answer> {
  return callJson<Answer>(aws, {
    service: AWS.secretsManager,
    region: regionOf(aws.context, aws.settings, path),
    signer: aws.signer,
    operation: 'GetSecretValue',
    input: { SecretId: path, ...versionInput(version) },
    bodyBytesMax: ONE_BODY_BYTES_MAX,
    done: (body) => {
      const value = valueOfSecret(body);
      return value === undefined
        ? { kind: 'again', why: 'an answer without a value' }
        : { kind: 'done', value };
    },
    judge: (failure) => failureOfSecret(failure, version),
  });
}

/** Ids are UUIDs, as Secrets Manager makes them; anything else is the name of a stage. */
function versionInput(version: string | undefined): Record<string, string> {
  if (version === undefined) return {};
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(version);
  return isId ? { VersionId: version } : { VersionStage: version };
}

/** Puts down what a batch decided; what is left is to be asked for one by one. */
async function askBatch(
  aws: Aws,
  batch: readonly Wanted[],
  answers: Answers,
): Promise<readonly Wanted[]> {
  try {
    const said = await sendBatch(aws, batch);
    if (said === undefined) return batch;
    return batch.filter((wanted) => {
      const answer = findSecret(said, wanted.path, aws.context.name);
      if (answer !== undefined) answers.set(wantedKey(wanted), answer);
      return answer === undefined;
    });
  } catch (problem) {
    if (!(problem instanceof BellhopError)) throw problem;
    for (const wanted of batch) answers.set(wantedKey(wanted), { kind: 'failed', problem });
    return [];
  }
}

/**
 * Undefined where the batch cannot be had as a whole: not allowed, made unusable by one name, or
 * throttled (batches have 100 requests a second, GetSecretValue 10,000).
 */
async function sendBatch(aws: Aws, batch: readonly Wanted[]): Promise<SecretAnswers | undefined> {
  const [first] = batch;
  return callJson<SecretAnswers | undefined>(aws, {
    service: AWS.secretsManager,
    region: regionOf(aws.context, aws.settings, first?.path),
    signer: aws.signer,
    operation: 'BatchGetSecretValue',
    count: batch.length,
    input: { SecretIdList: batch.map(({ path }) => path) },
    bodyBytesMax: BATCH_BODY_BYTES_MAX,
    done: ({ SecretValues: values, Errors: errors }) => {
      if (!Array.isArray(values)) return { kind: 'again', why: 'an answer without SecretValues' };
      return { kind: 'done', value: { values: objectsIn(values), errors: objectsIn(errors) } };
    },
    judge: (failure, { status }) => {
      if (isTooMuch(failure)) return { kind: 'done', value: undefined };
      const isForAll = isOfIdentity(failure) || isFault(failure) || status >= 500;
      return isForAll ? undefined : { kind: 'done', value: undefined };
    },
  });
}
