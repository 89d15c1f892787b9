// Where Flyte's secret service keeps what the manager Embedded reads, by the type of its store
// (flyteorg/flyte@6fadb90d65, flyteplugins/…/secretmanager).
import { BellhopError } from '../core/errors.ts';
import type { FoundValue } from '../injectors/_injector.ts';
import { isRecord } from '../wire/read.ts';
import type { Answer } from '../stores/_store.ts';
import { parsedJson } from './parsed-json.ts';
import type { WebhookSettings } from './settings.ts';

/** A store of bellhop's, and how one of its values is found and read. */
export interface EmbeddedPlace {
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly pathOf: (id: string) => string;
  /** Undefined where there is none. Throws where there is something else. */
  readonly read: (answer: Answer, id: string) => FoundValue | undefined;
}

type EmbeddedSettings = WebhookSettings['embeddedSecretManagerConfig'];

export function embeddedPlace(
  settings: EmbeddedSettings,
  md5: (text: string) => string,
): EmbeddedPlace {
  switch (settings.type) {
    case 'AWS': {
      const { region } = settings.awsConfig;
      const options = region === '' ? {} : { region };
      return { kind: 'aws-secrets-manager', options, pathOf: (id) => id, read: wholeValue };
    }
    case 'GCP': {
      const { project } = settings.gcpConfig;
      const options = project === '' ? {} : { project };
      return { kind: 'gcp-secret-manager', options, pathOf: (id) => id, read: wholeValue };
    }
    case 'Azure': {
      const options = { vault: settings.azureConfig.vaultURI };
      return { kind: 'azure-key-vault', options, pathOf: azureName, read: azureValue };
    }
    case 'K8s': {
      const { namespace } = settings.k8sConfig;
      const pathOf = (id: string): string => `secret/${namespace}/${md5(id)}`;
      return { kind: 'kubernetes', options: {}, pathOf, read: memberOf };
    }
  }
}

function broken(what: string): BellhopError {
  return new BellhopError('BH_ERR_STORE_ANSWER', { where: ['Embedded'], what });
}

function wholeValue(answer: Answer): FoundValue | undefined {
  switch (answer.kind) {
    case 'absent':
      return undefined;
    case 'failed':
      throw answer.problem;
    case 'value':
      return { bytes: answer.value.reveal() };
    case 'map':
      throw broken('there are several values where one is wanted');
  }
}

/** A Secret that lacks the key is broken, not absent: the search ends. */
function memberOf(answer: Answer, id: string): FoundValue | undefined {
  if (answer.kind !== 'map') return wholeValue(answer);
  const value = answer.entries.get(id);
  if (value === undefined) throw broken('the Secret lacks the key that Flyte gives it');
  return { bytes: value.reveal() };
}

const AZURE_NAME_CHARACTERS_MAX = 127;
/** No part but the key may have `__` in it. */
const PART = '((?:(?!__).)*)';
const STORED = new RegExp(`^u__org__${PART}__domain__${PART}__project__${PART}__key__(.*)$`, 's');

/** `1-ORG-DOMAIN-PROJECT-KEY`: `0` and `-` are escaped in the parts, the key is Base32. */
export function azureName(id: string): string {
  const [whole, organization = '', domain = '', project = '', key = ''] = STORED.exec(id) ?? [];
  if (whole === undefined) throw broken('an organization, domain or project has `__` in its name');
  const parts = [organization, domain, project].map((part) => {
    return part.replaceAll('0', '00').replaceAll('-', '01');
  });
  const name = ['1', ...parts, base32(Buffer.from(key))].join('-');
  if (name.length <= AZURE_NAME_CHARACTERS_MAX) return name;
  throw broken(`the name would have more than ${AZURE_NAME_CHARACTERS_MAX} characters`);
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 without padding. */
function base32(bytes: Uint8Array): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[Number.parseInt(group.padEnd(5, '0'), 2)] ?? '').join('');
}

/** `{"type":"STRING" or "BINARY","value":…}`; a type that is not there is STRING. */
export function azureValue(answer: Answer): FoundValue | undefined {
  const whole = wholeValue(answer);
  if (whole === undefined) return undefined;
  const parsed = parsedJson(whole.bytes ?? new Uint8Array());
  if (!isRecord(parsed)) throw broken('the value is not what Flyte writes to Azure');
  const { type = 'STRING', value = '' } = parsed;
  const isKnown = type === 'STRING' || type === 'BINARY';
  if (!isKnown || typeof value !== 'string') {
    throw broken('the value is not what Flyte writes to Azure');
  }
  if (type === 'STRING') return { text: value };
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) {
    throw broken('the value is no Base64');
  }
  return { bytes: Buffer.from(value, 'base64') };
}
