// Who we are to Azure, and the token that says so: DefaultAzureCredential of @azure/identity 4.13.1
// without what only people's machines have. The first that is there is used, whatever it answers.
import { BellhopError } from '../core/errors.ts';
import { jwtClaims } from '../wire/jwt.ts';
import { checkedAddress } from './_address.ts';
import { appServiceToken, imdsToken } from './_azure-managed.ts';
import { formRequest, requestToken } from './_oauth.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { Bearer } from './_rest.ts';
import { credentialText, formBody, neededCredential, openBearer, textIn } from './_rest.ts';
import { sharedOnce } from './_shared.ts';
import type { StoreContext } from './_store.ts';

export const AZURE_OPTIONS: OptionSpecs = {
  auth: {
    type: 'group',
    help: "who we are; where absent, what Azure's libraries find (variables, platform)",
    members: {
      method: {
        type: 'choice',
        of: ['client-secret', 'workload-identity', 'managed-identity'],
        help: 'how to get a token; the first of these that is there where absent',
      },
      tenant: { type: 'text', help: "the tenant's id; else AZURE_TENANT_ID" },
      clientId: {
        type: 'text',
        help: "the application's or the managed identity's client id; else AZURE_CLIENT_ID",
      },
      clientSecret: { type: 'reference', help: "where the application's secret is" },
      federatedTokenFile: { type: 'text', help: 'a file with a token that the application trusts' },
      authority: { type: 'text', help: 'https://… of the login; else AZURE_AUTHORITY_HOST' },
    },
  },
};

export const AZURE_AUTH: Readonly<Record<string, string>> = {
  'client-secret': 'an application with a secret; certificates are not supported',
  'workload-identity': 'a token of another platform, e.g. a pod’s: AKS, federated credentials',
  'managed-identity': 'App Service, Container Apps, Functions, virtual machines, AKS nodes',
};

export const AZURE_VARIABLES: Readonly<Record<string, string>> = {
  AZURE_TENANT_ID: 'the tenant',
  AZURE_CLIENT_ID: 'the application, or the managed identity',
  AZURE_CLIENT_SECRET: "the application's secret",
  AZURE_FEDERATED_TOKEN_FILE: 'the file of workload identity',
  AZURE_AUTHORITY_HOST: 'where tokens are given out',
  IDENTITY_ENDPOINT: 'managed identity of App Service and Container Apps, with IDENTITY_HEADER',
  IDENTITY_HEADER: 'what proves to that address that we are inside',
  AZURE_POD_IDENTITY_AUTHORITY_HOST: 'the address of the instance metadata service',
};

/** How a token is got. */
type Identity =
  | ({ readonly method: 'client-secret'; readonly secret: string } & Application)
  | ({ readonly method: 'workload-identity'; readonly tokenFile: string } & Application)
  | { readonly method: 'managed-identity'; readonly clientId: string | undefined };

interface Application {
  readonly authority: string;
  readonly tenant: string;
  readonly clientId: string;
}

/** An identity, with one token for each kind of resource. */
export interface Azure {
  bearer(resource: string, authority: string): Promise<Bearer>;
  /** What a token says of us. */
  who(resource: string, authority: string): Promise<string>;
}

/** Finds out who we are when the first token is wanted. */
export function openAzure(context: StoreContext, options: Options): Azure {
  const auth = groupOption(options, 'auth');
  const bearer = async (resource: string, authority: string): Promise<Bearer> => {
    const key = JSON.stringify(['azure', auth, resource, authority]);
    return sharedOnce(context, key, async (by) => {
      const identity = await findIdentity(by, auth, authority);
      return openBearer(async (asking) => tokenFor(asking, identity, resource));
    });
  };
  return {
    bearer,
    who: async (resource, authority) => {
      const token = await (await bearer(resource, authority)).token(context);
      const claims = jwtClaims(token) ?? {};
      const known = ['xms_mirid', 'upn', 'appid', 'oid'].map((name) => textIn(claims, name));
      const clientId = textOption(auth, 'clientId') ?? context.variable('AZURE_CLIENT_ID');
      return known.find((one) => one !== undefined) ?? clientId ?? 'a managed identity';
    },
  };
}

/** In the order of DefaultAzureCredential: environment, workload identity, managed identity. */
async function findIdentity(
  context: StoreContext,
  auth: Options,
  defaultAuthority: string,
): Promise<Identity> {
  const clientId = textOption(auth, 'clientId') ?? context.variable('AZURE_CLIENT_ID');
  const secret = await clientSecret(context, auth);
  const tokenFile =
    textOption(auth, 'federatedTokenFile') ?? context.variable('AZURE_FEDERATED_TOKEN_FILE');
  const hasSecret = secret !== undefined && clientId !== undefined;
  const method = textOption(auth, 'method') ?? firstThere(context, hasSecret, tokenFile);
  if (method === 'managed-identity') return { method, clientId };
  const application = applicationOf(context, auth, defaultAuthority);
  if (method === 'client-secret') {
    if (secret === undefined) throw lacking(context, 'clientSecret (AZURE_CLIENT_SECRET)');
    return { method, secret, ...application };
  }
  if (tokenFile !== undefined) return { method: 'workload-identity', tokenFile, ...application };
  throw lacking(context, 'federatedTokenFile (AZURE_FEDERATED_TOKEN_FILE)');
}

function firstThere(
  context: StoreContext,
  hasSecret: boolean,
  tokenFile: string | undefined,
): Identity['method'] {
  if (hasSecret) return 'client-secret';
  if (tokenFile !== undefined) return 'workload-identity';
  if (context.variable('AZURE_CLIENT_CERTIFICATE_PATH') === undefined) return 'managed-identity';
  const what = 'AZURE_CLIENT_CERTIFICATE_PATH is set, and certificates are not supported';
  const help = 'use a secret, workload identity or a managed identity; `auth: { method: … }`';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where: [`store ${context.name}`], what, help });
}

async function clientSecret(context: StoreContext, auth: Options): Promise<string | undefined> {
  const reference = auth['clientSecret'];
  if (reference === undefined) return context.variable('AZURE_CLIENT_SECRET');
  return credentialText(await context.secret(reference));
}

function lacking({ name }: StoreContext, what: string): BellhopError {
  const where = [`store ${name}`, 'auth'];
  return new BellhopError('BH_ERR_CREDENTIALS', { where, what: `${what} is not set` });
}

function applicationOf(context: StoreContext, auth: Options, byDefault: string): Application {
  const tenant = textOption(auth, 'tenant') ?? context.variable('AZURE_TENANT_ID');
  const clientId = textOption(auth, 'clientId') ?? context.variable('AZURE_CLIENT_ID');
  if (tenant === undefined) throw lacking(context, 'tenant (AZURE_TENANT_ID)');
  if (clientId === undefined) throw lacking(context, 'clientId (AZURE_CLIENT_ID)');
  if (!/^[A-Za-z0-9.-]+$/.test(tenant)) {
    const where = [`store ${context.name}`, 'auth'];
    throw new BellhopError('BH_ERR_SETTINGS', { where, what: 'the tenant is no id and no domain' });
  }
  return { authority: azureAuthority(context, auth) ?? byDefault, tenant, clientId };
}

/** The login that options or variables name, without a slash at its end. */
export function azureAuthority(context: StoreContext, auth: Options): string | undefined {
  const named = textOption(auth, 'authority') ?? context.variable('AZURE_AUTHORITY_HOST');
  if (named === undefined) return undefined;
  const written = /^[a-z]+:\/\//i.test(named) ? named : `https://${named}`;
  const called = 'the authority (AZURE_AUTHORITY_HOST)';
  return checkedAddress(context, written, { called, isSecure: true });
}

async function tokenFor(
  context: StoreContext,
  identity: Identity,
  resource: string,
): Promise<string> {
  if (identity.method === 'managed-identity') {
    const wish = { resource, clientId: identity.clientId };
    const token = await appServiceToken(context, wish);
    return token ?? imdsToken(context, wish);
  }
  return applicationToken(context, identity, resource);
}

async function applicationToken(
  context: StoreContext,
  identity: Exclude<Identity, { method: 'managed-identity' }>,
  resource: string,
): Promise<string> {
  const { authority, tenant, clientId } = identity;
  const where = [`store ${context.name}`, 'workload identity'];
  const proof =
    identity.method === 'client-secret'
      ? { client_secret: identity.secret }
      : {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          // Read again each time: the platform replaces it before it ends.
          client_assertion: neededCredential(context.io.fs, identity.tokenFile, where),
        };
  const body = formBody({
    grant_type: 'client_credentials',
    client_id: clientId,
    scope: `${resource}/.default`,
    ...proof,
  });
  return requestToken(
    { caller: context.caller, clock: context.io.clock },
    {
      name: 'Entra token',
      request: () => formRequest(`${authority}/${tenant}/oauth2/v2.0/token`, body),
      help: 'look at tenant, client id, and its secret or federated credential',
    },
  );
}
