import type { Verdict } from '../core/call.ts';
import { checkedAddress } from './_address.ts';
import { AZURE_AUTH, AZURE_OPTIONS, AZURE_VARIABLES, azureAuthority, openAzure } from './_azure.ts';
import type { Blob, BlobCaller, BlobSaid } from './_azure-blobs.ts';
import { blobHands, failureOfBlob, openBlobs, readBlob } from './_azure-blobs.ts';
import { cloudOfAuthority } from './_azure-clouds.ts';
import { askEach, pathProblem, wantedKey } from './_each.ts';
import { DOTENV_OPTION, OBJECT_BYTES_MAX, objectAnswer, putNamed } from './_objects.ts';
import type { Options } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { Doubted } from './_rest.ts';
import type { Answer, Right, StoreContext, StoreKind, Wanted } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

/** Blobs of Azure Storage, one request each. */
const azureBlob: StoreKind = {
  kind: 'azure-blob',
  summary: 'Blobs of Azure Storage',
  path: 'the container and the name of the blob: `jobs/prod/app.json`',
  version:
    'the version id of a blob, where the account keeps versions; the current one where absent',
  perCall: { paths: 1, inFlight: 64, valueBytes: OBJECT_BYTES_MAX },
  options: {
    account: { type: 'text', help: 'the name of the storage account, e.g. `teamjobs`' },
    url: { type: 'text', help: 'its address, where it is not https://NAME.blob.core.windows.net' },
    sas: { type: 'reference', help: 'where a shared access signature is, instead of `auth`' },
    dotenv: DOTENV_OPTION,
    encryptionScope: {
      type: 'text',
      help: "the encryption scope that blobs are written under; the container's own where absent",
    },
    indexTags: {
      type: 'flag',
      help: 'true: what is written has its expiry as an index tag too, which wants the right to set tags; not in accounts with hierarchical namespaces',
    },
    ...AZURE_OPTIONS,
  },
  auth: {
    ...AZURE_AUTH,
    'shared access signature': 'the option `sas`: a token that stands behind the URL',
  },
  variables: AZURE_VARIABLES,
  places: [],
  open(options, context) {
    const base = baseOf(options, context);
    const azure = openAzure(context, options);
    const blobs = async (): Promise<BlobCaller> => {
      const bearer = async () => azure.bearer(RESOURCE, authorityOf(options, context));
      return openBlobs({ context, options, base, bearer });
    };
    return {
      fetch: async (wanted) => fetchAll(wanted, { context, options, base, blobs }),
      put: async (path, content, how = {}) => {
        const blob = readBlob(path);
        if (typeof blob === 'string') throw pathProblem(context, path, blob);
        const hands = blobHands(await blobs(), { ...blob, content, ...how });
        if (how.isNamedByContent !== true) return hands.write('anything');
        return putNamed(hands, hands.sha256);
      },
      identity: async () => {
        if (options['sas'] !== undefined) return 'whoever has the shared access signature';
        return azure.who(RESOURCE, authorityOf(options, context));
      },
    };
  },
  rights: (options, wanted) => {
    return wanted.map(({ path }) => rightOn('Storage Blob Data Reader', path, options));
  },
  writes: {
    rights(options, path) {
      const role = options['indexTags'] === true ? 'Owner' : 'Contributor';
      return [rightOn(`Storage Blob Data ${role}`, path, options)];
    },
  },
};

export default azureBlob;

/** In every cloud: azure-storage-blob 12.31.1, STORAGE_OAUTH_SCOPE. */
const RESOURCE = 'https://storage.azure.com';

function rightOn(role: string, path: string, options: Options): Right {
  const account = textOption(options, 'account') ?? textOption(options, 'url') ?? 'ACCOUNT';
  const [container = '', ...name] = path.split('/');
  const scope = `${account}/blobServices/default/containers/${container}/blobs/${name.join('/')}`;
  return { system: 'azure', role, scope };
}

function authorityOf(options: Options, context: StoreContext): string {
  const named = azureAuthority(context, groupOption(options, 'auth'));
  return named ?? cloudOfAuthority(undefined).authority;
}

/** Where the account is; tokens and signatures are sent there, so never in the clear. */
function baseOf(options: Options, context: StoreContext): string {
  const url = textOption(options, 'url');
  if (url !== undefined) return checkedAddress(context, url, { called: '`url`', isSecure: true });
  const account = textOption(options, 'account');
  if (account === undefined)
    throw settingsProblem(context, 'it needs the option `account`, or `url`');
  if (!/^[a-z0-9]{3,24}$/.test(account)) {
    throw settingsProblem(
      context,
      '`account` must be the name of a storage account: 3 to 24 lower-case letters and digits',
    );
  }
  const authority = azureAuthority(context, groupOption(options, 'auth'));
  return `https://${account}.${cloudOfAuthority(authority).blobSuffix}`;
}

interface Opened {
  readonly context: StoreContext;
  readonly options: Options;
  readonly base: string;
  blobs(): Promise<BlobCaller>;
}

async function fetchAll(wanted: readonly Wanted[], opened: Opened): Promise<readonly Answer[]> {
  if (wanted.length === 0) return [];
  const { context, options, base } = opened;
  context.caller.warm({ url: base, proxy: 'environment', protocol: 'h1' });
  const blobs = await opened.blobs();
  return askEach(context.caller, wanted, {
    keyOf: wantedKey,
    ask: async ({ path, version }) => {
      const blob = readBlob(path);
      if (typeof blob === 'string') throw pathProblem(context, path, blob);
      if (version !== undefined && !/^[0-9A-Za-z:.-]{1,64}$/.test(version)) {
        throw pathProblem(context, path, `${version} is no version: a time, as Azure writes it`);
      }
      return contentOf(blobs, options, version === undefined ? blob : { ...blob, version });
    },
  });
}

async function contentOf(
  blobs: BlobCaller,
  options: Options,
  blob: Blob & { readonly version?: string },
): Promise<Answer> {
  return blobs.send<Answer>({
    name: 'GET',
    method: 'GET',
    blob,
    ...(blob.version === undefined ? {} : { query: [['versionid', blob.version]] }),
    bodyBytesMax: OBJECT_BYTES_MAX,
    judge: (answer, told) => {
      if (answer.status !== 200) return absence(told) ?? failureOfBlob(answer, told, 'read');
      // Every blob has a type: what has none is the page of something else that answers there.
      if (answer.headers['x-ms-blob-type'] === undefined) {
        return { kind: 'again', why: 'HTTP 200 without a type of blob: that is no blob' };
      }
      const { 'x-ms-version-id': version } = answer.headers;
      const object = { key: blob.key, body: answer.body };
      return objectAnswer(version === undefined ? object : { ...object, version }, options);
    },
  });
}

function absence({ code }: BlobSaid): Verdict<Answer> | Doubted | undefined {
  if (code !== 'BlobNotFound') return undefined;
  return { kind: 'done', value: { kind: 'absent', what: 'there is no such blob' } };
}
