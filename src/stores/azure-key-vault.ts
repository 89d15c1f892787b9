import type { Verdict } from '../core/call.ts';
import { refused, verdictOfStatus } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { retryAfterMs } from '../core/retry.ts';
import { Sealed } from '../core/sealed.ts';
import type { Azure } from './_azure.ts';
import { AZURE_AUTH, AZURE_OPTIONS, AZURE_VARIABLES, azureAuthority, openAzure } from './_azure.ts';
import type { SecretAddress, Vault } from './_azure-clouds.ts';
import { cloudOf, cloudOfAuthority, readAddress } from './_azure-clouds.ts';
import { askEach } from './_each.ts';
import type { Options } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { Doubted, JsonRecord } from './_rest.ts';
import { bearerHeader, doubted, jsonRecord, recordIn } from './_rest.ts';
import { said, sendDoubting, textIn, unknownBody, unknownError } from './_rest.ts';
import type { Answer, StoreContext, StoreKind, Wanted } from './_store.ts';

const VALUE_BYTES_MAX = 25 * 1024;
const BODY_BYTES_MAX = 1024 * 1024;
const API_VERSION = '7.4';

/** Secrets of Azure Key Vault, one request each. */
const keyVault: StoreKind = {
  kind: 'azure-key-vault',
  summary:
    'Azure Key Vault secrets as they are, those past their `exp` too; a certificate gives its PFX or PEM text',
  path: 'the secret: `db-password`, or `https://VAULT.vault.azure.net/secrets/NAME[/VERSION]`',
  version: 'the id of a version (32 characters); the newest where absent',
  perCall: { paths: 1, inFlight: 32, valueBytes: VALUE_BYTES_MAX },
  options: {
    vault: { type: 'text', help: 'the name of the vault, e.g. `team-a`' },
    url: { type: 'text', help: 'its address, where it is not https://NAME.vault.azure.net' },
    resource: {
      type: 'text',
      help: 'what tokens are for, where `url` is no host of a vault; https://vault.azure.net',
    },
    ...AZURE_OPTIONS,
  },
  auth: AZURE_AUTH,
  variables: AZURE_VARIABLES,
  places: [],
  open(options, context) {
    const vault = vaultOption(options, context);
    const opened = { context, options, vault, azure: openAzure(context, options) };
    return {
      fetch: async (wanted) => fetchAll(wanted, opened),
      identity: async () => {
        const resource = vault?.resource ?? 'https://vault.azure.net';
        return opened.azure.who(resource, authorityFor(opened, resource));
      },
    };
  },
  rights(options, wanted) {
    const vault = vaultUrl(options, undefined) ?? 'VAULT';
    return wanted.map(({ path }) => {
      const address = readAddress(path, { url: vault, resource: '' });
      const scope = typeof address === 'string' ? path : `${address.vault}/secrets/${address.name}`;
      return { system: 'azure', role: 'Key Vault Secrets User', scope };
    });
  },
};

export default keyVault;

interface Opened {
  readonly context: StoreContext;
  readonly options: Options;
  readonly vault: Vault | undefined;
  readonly azure: Azure;
}

function vaultUrl(options: Options, authority: string | undefined): string | undefined {
  const url = textOption(options, 'url');
  if (url !== undefined) return url.replace(/\/+$/, '');
  const name = textOption(options, 'vault');
  return name === undefined
    ? undefined
    : `https://${name}.${cloudOfAuthority(authority).vaultSuffix}`;
}

/** The vault of names; undefined where options name none. */
function vaultOption(options: Options, context: StoreContext): Vault | undefined {
  const where = [`store ${context.name}`];
  const authority = azureAuthority(context, groupOption(options, 'auth'));
  const url = vaultUrl(options, authority);
  if (url === undefined) return undefined;
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== 'https:' || parsed.origin !== url.toLowerCase()) {
    const what = '`vault` must be the name of a vault, `url` https:// and a host';
    throw new BellhopError('BH_ERR_SETTINGS', { where, what });
  }
  const cloud = cloudOf(parsed.hostname);
  if (cloud === undefined && textOption(options, 'url') === undefined) {
    const what = '`vault` must be the name of a vault: letters, digits and -';
    throw new BellhopError('BH_ERR_SETTINGS', { where, what });
  }
  const suffix = (cloud ?? cloudOfAuthority(authority)).vaultSuffix;
  const resource = textOption(options, 'resource') ?? `https://${suffix}`;
  return { url: parsed.origin, resource: resource.replace(/\/+$/, '') };
}

/** The login of the cloud that the resource is of. */
function authorityFor({ context, options }: Opened, resource: string): string {
  const named = azureAuthority(context, groupOption(options, 'auth'));
  const host = URL.parse(resource)?.hostname ?? '';
  return named ?? cloudOf(`x.${host}`)?.authority ?? cloudOfAuthority(undefined).authority;
}

async function fetchAll(wanted: readonly Wanted[], opened: Opened): Promise<readonly Answer[]> {
  const addresses = wanted.map(({ path, version }) => {
    const address = readAddress(path, opened.vault);
    if (typeof address === 'string' || version === undefined) return address;
    return /^[0-9A-Za-z]{1,64}$/.test(version)
      ? { ...address, version }
      : `${version} is no version: 32 letters and digits`;
  });
  const vaults = new Set(addresses.map((one) => (typeof one === 'string' ? '' : one.vault)));
  for (const url of vaults) {
    if (url !== '') opened.context.caller.warm({ url, proxy: 'environment', protocol: 'h1' });
  }
  const asked = addresses.map((address, n) => ({ address, path: wanted[n]?.path ?? '' }));
  return askEach(opened.context.caller, asked, {
    keyOf: ({ address, path }) => {
      if (typeof address === 'string') return `${path}\n${address}`;
      const { vault, name, version = '' } = address;
      // Names are the same in any case.
      return `${vault}/${name.toLowerCase()}/${version}`;
    },
    ask: async ({ address, path }) => {
      if (typeof address === 'string') throw wrongPath(opened, path, address);
      return secretAt(opened, address);
    },
  });
}

function wrongPath({ context }: Opened, path: string, what: string): BellhopError {
  const where = [`store ${context.name}`, path];
  const help = 'set the option `vault`, or write https://VAULT.vault.azure.net/secrets/NAME';
  return new BellhopError('BH_ERR_SETTINGS', { where, what, help });
}

async function secretAt(opened: Opened, address: SecretAddress): Promise<Answer> {
  const { context, azure } = opened;
  const { vault, name, version, resource } = address;
  const bearer = await azure.bearer(resource, authorityFor(opened, resource));
  const authorization = bearerHeader(bearer, context);
  const path = version === undefined ? name : `${name}/${version}`;
  return sendDoubting<Answer>(context.caller, {
    name: `GET ${path}`,
    request: async (attempt) => ({
      method: 'GET',
      url: `${vault}/secrets/${path}?api-version=${API_VERSION}`,
      headers: { authorization: await authorization(attempt) },
      proxy: 'environment',
      protocol: 'h1',
      bodyBytesMax: BODY_BYTES_MAX,
    }),
    judge: (answer) => judge(answer, context.io.clock.now()),
  });
}

function judge(answer: HttpAnswer, nowMs: number): Verdict<Answer> | Doubted {
  const afterMs = retryAfterMs(answer.headers['retry-after'], nowMs);
  const passing = verdictOfStatus(answer, afterMs);
  if (passing !== undefined) return passing;
  const body = jsonRecord(answer.body);
  if (body === undefined) return unknownBody(answer);
  if (answer.status !== 200) return errorOf(recordIn(body, 'error'), answer);
  const { value } = body;
  if (typeof value !== 'string') return { kind: 'again', why: 'an answer without a value' };
  const version = textIn(body, 'id')?.split('/').at(-1);
  const facts = version === undefined ? {} : { facts: { version } };
  const sealed = new Sealed(new TextEncoder().encode(value));
  return { kind: 'done', value: { kind: 'value', value: sealed, ...facts } };
}

function errorOf(error: JsonRecord, answer: HttpAnswer): Verdict<Answer> | Doubted {
  const code = textIn(error, 'code') ?? `HTTP ${answer.status}`;
  const inner = textIn(recordIn(error, 'innererror'), 'code');
  const what = `${inner ?? code}: ${said(textIn(error, 'message'))}`;
  if (inner === 'SecretDisabled') {
    // It is there, and somebody has forbidden its use: no default may take its place.
    const help = 'enable the secret, or name another version';
    return refused('BH_ERR_STORE_DENIED', 'the secret is disabled', help);
  }
  switch (code) {
    case 'SecretNotFound':
      return {
        kind: 'done',
        value: { kind: 'absent', what: 'there is no such secret or version' },
      };
    case 'Throttled':
      return { kind: 'throttled', why: code };
    case 'Unauthorized':
      return doubted(refused('BH_ERR_CREDENTIALS', what), { times: 1, renew: true });
    case 'Forbidden':
      return refused('BH_ERR_STORE_DENIED', what, helpForDenied(inner));
    case 'BadParameter':
      return refused('BH_ERR_SETTINGS', what);
    default:
      return unknownError(answer, what);
  }
}

function helpForDenied(inner: string | undefined): string {
  return inner === 'ForbiddenByFirewall' || inner === 'ForbiddenByConnection'
    ? "let this network through the vault's firewall, or use its private endpoint"
    : 'give the identity the role Key Vault Secrets User (or Get on secrets by access policy)';
}
