// Managed identities: the addresses inside of Azure that give out tokens.
import { BellhopError, isOutage } from '../core/errors.ts';
import { TOKEN_BYTES_MAX, requestToken } from './_oauth.ts';
import { readCredential } from './_rest.ts';
import type { StoreContext } from './_store.ts';

/** What the token is for, and of which identity where there are several. */
export interface TokenWish {
  readonly resource: string;
  readonly clientId: string | undefined;
}

/** On Azure it answers, if late; elsewhere one second is enough to know. */
const ON_AZURE_MS_MAX = 10_000;
const ELSEWHERE_MS_MAX = 1000;
/** What Azure writes into the firmware of its machines, and others into theirs. */
const CHASSIS_FILE = '/sys/class/dmi/id/chassis_asset_tag';
const VENDOR_FILE = '/sys/class/dmi/id/sys_vendor';
const AZURE_CHASSIS = '7783-7084-3265-9085-8269-3286-77';
const OTHER_CLOUDS = /^(?:Amazon|Google|Alibaba|DigitalOcean|Hetzner|OpenStack)/;

const HELP =
  'set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or give the machine or job a managed identity';

/** App Service, Functions, Container Apps; undefined where the platform is none of them. */
export async function appServiceToken(
  context: StoreContext,
  wish: TokenWish,
): Promise<string | undefined> {
  const endpoint = context.variable('IDENTITY_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const header = context.variable('IDENTITY_HEADER');
  // Azure Arc wants a file that only its group may read, Service Fabric its own certificate.
  if (header === undefined || context.variable('IDENTITY_SERVER_THUMBPRINT') !== undefined) {
    const where = [`store ${context.name}`];
    const what = 'the managed identities of Azure Arc and Service Fabric are not supported';
    throw new BellhopError('BH_ERR_CREDENTIALS', { where, what, help: HELP });
  }
  return managedToken(context, {
    name: 'App Service token',
    url: withQuery(endpoint, '2019-08-01', wish),
    headers: { 'x-identity-header': header },
    withinMs: ON_AZURE_MS_MAX,
  });
}

/** The instance metadata service of virtual machines. */
export async function imdsToken(context: StoreContext, wish: TokenWish): Promise<string> {
  const base = context.variable('AZURE_POD_IDENTITY_AUTHORITY_HOST');
  const firmware = firmwareOf(context);
  const isAzure = base !== undefined || firmware === 'azure';
  if (!isAzure && firmware === 'other') throw noIdentity(context, 'this is another cloud');
  const address = (base ?? 'http://169.254.169.254').replace(/\/+$/, '');
  try {
    return await managedToken(context, {
      name: 'instance metadata token',
      url: withQuery(`${address}/metadata/identity/oauth2/token`, '2018-02-01', wish),
      headers: { metadata: 'true' },
      withinMs: isAzure ? ON_AZURE_MS_MAX : ELSEWHERE_MS_MAX,
    });
  } catch (error) {
    if (isAzure || !(error instanceof BellhopError) || !isOutage(error)) throw error;
    throw noIdentity(context, `no instance metadata service answers: ${error.what}`);
  }
}

function noIdentity({ name }: StoreContext, why: string): BellhopError {
  const what = `no credentials are given, and there is no managed identity: ${why}`;
  return new BellhopError('BH_ERR_CREDENTIALS', { where: [`store ${name}`], what, help: HELP });
}

function firmwareOf({ io }: StoreContext): 'azure' | 'other' | 'unknown' {
  const read = (path: string): string => {
    const found = readCredential(io.fs, path);
    return 'text' in found ? found.text : '';
  };
  if (read(CHASSIS_FILE) === AZURE_CHASSIS) return 'azure';
  return OTHER_CLOUDS.test(read(VENDOR_FILE)) ? 'other' : 'unknown';
}

function withQuery(address: string, version: string, { resource, clientId }: TokenWish): string {
  const id = clientId === undefined ? '' : `&client_id=${encodeURIComponent(clientId)}`;
  const query = `api-version=${version}&resource=${encodeURIComponent(resource)}${id}`;
  return `${address}${address.includes('?') ? '&' : '?'}${query}`;
}

interface Asking {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly withinMs: number;
}

async function managedToken(context: StoreContext, asking: Asking): Promise<string> {
  const { name, url, headers, withinMs } = asking;
  return requestToken(
    { caller: context.caller, clock: context.io.clock },
    {
      name,
      withinMs,
      help: 'give the machine or job this managed identity, or name one: `auth: { clientId: … }`',
      request: () => ({
        method: 'GET',
        url,
        headers,
        proxy: 'never',
        protocol: 'h1',
        bodyBytesMax: TOKEN_BYTES_MAX,
      }),
    },
  );
}
