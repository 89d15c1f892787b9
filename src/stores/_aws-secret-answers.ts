// What Secrets Manager answers, one by one and in batches.
import type { Verdict } from '../core/call.ts';
import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import { fromBase64 } from '../wire/base64.ts';
import { readArn } from './_aws-endpoints.ts';
import type { AwsFailure } from './_aws-errors.ts';
import { denied, isDenial } from './_aws-errors.ts';
import type { Answer } from './_store.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** The lists of one BatchGetSecretValue. */
export interface SecretAnswers {
  readonly values: readonly JsonObject[];
  readonly errors: readonly JsonObject[];
}

const encoder = new TextEncoder();
const SUFFIX = /-[A-Za-z0-9]{6}$/;

/** The value of a secret; undefined where it has none that can be read. */
export function valueOfSecret(body: JsonObject): Answer | undefined {
  const { SecretString: text, SecretBinary: binary, VersionId: version } = body;
  const bytes =
    typeof text === 'string'
      ? encoder.encode(text)
      : typeof binary === 'string'
        ? fromBase64(binary)
        : undefined;
  if (bytes === undefined) return undefined;
  const facts = typeof version === 'string' ? { facts: { version } } : {};
  return { kind: 'value', value: new Sealed(bytes), ...facts };
}

/** What an error means to one secret; undefined: what it usually means. */
export function failureOfSecret(
  failure: AwsFailure,
  version: string | undefined,
): Verdict<Answer> | undefined {
  const { code, message } = failure;
  if (code === 'ResourceNotFoundException') {
    const what =
      version === undefined
        ? 'there is no such secret, or it has no value'
        : 'there is no such secret, or it has no such version';
    return { kind: 'done', value: { kind: 'absent', what } };
  }
  const isDeleted = /marked (?:for deletion|deleted)|scheduled for deletion/i.test(message);
  if (code === 'InvalidRequestException' && isDeleted) {
    return { kind: 'done', value: { kind: 'absent', what: 'it is marked for deletion' } };
  }
  if (code !== 'DecryptionFailure') return undefined;
  const help = 'look at its KMS key: enabled, and `kms:Decrypt` for this identity';
  return refused('BH_ERR_STORE_DENIED', 'it cannot be decrypted (DecryptionFailure)', help);
}

/** What a batch says of one id; undefined where it says nothing that decides. */
export function findSecret(said: SecretAnswers, id: string, store: string): Answer | undefined {
  const [value, other] = valuesOf(said, id);
  // Of two accounts' secrets with one name, only the server knows which one a name means.
  if (other !== undefined) return undefined;
  if (value !== undefined) return valueOfSecret(value);
  const error = said.errors.find((one) => one['SecretId'] === id);
  return error === undefined ? undefined : answerOfError(error, store);
}

/** An entry of `Errors`. */
function answerOfError(error: JsonObject, store: string): Answer | undefined {
  const { ErrorCode: code, Message: message } = error;
  if (typeof code !== 'string') return undefined;
  const failure = { code, message: typeof message === 'string' ? message : '' };
  const verdict =
    failureOfSecret(failure, undefined) ??
    (isDenial(failure) ? denied(failure, 'secretsmanager:GetSecretValue') : undefined);
  if (verdict?.kind === 'done') return verdict.value;
  if (verdict?.kind !== 'refused') return undefined;
  const { what, help } = verdict;
  const where = [`store ${store}`, 'BatchGetSecretValue'];
  const facts = { where, what, ...(help === undefined ? {} : { help }) };
  return { kind: 'failed', problem: new BellhopError(verdict.code, facts) };
}

function valuesOf({ values }: SecretAnswers, id: string): readonly JsonObject[] {
  if (readArn(id) === undefined) return values.filter((one) => one['Name'] === id);
  const exact = values.filter((one) => one['ARN'] === id);
  if (exact.length > 0) return exact;
  return values.filter(({ ARN: arn }) => {
    return typeof arn === 'string' && SUFFIX.test(arn) && arn.replace(SUFFIX, '') === id;
  });
}

/** The secret's name, as far as an id tells: where two of one name meet, they are asked apart. */
export function nameOfSecret(id: string): string {
  const resource = readArn(id)?.resource;
  return resource === undefined ? id : resource.replace(/^secret:/, '').replace(SUFFIX, '');
}
