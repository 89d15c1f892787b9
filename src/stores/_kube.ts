// Which API server, and who we are to it: options, kubeconfig, or the pod's service account.
import { BellhopError } from '../core/errors.ts';
import type { HttpRequest, TlsFacts } from '../core/io/net-types.ts';
import { checkedAddress } from './_address.ts';
import type { Cluster } from './_kube-config.ts';
import { clusterOf, loadKubeConfig } from './_kube-config.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { Bearer } from './_rest.ts';
import { bearerHeader, credentialText, neededCredential, openBearer } from './_rest.ts';
import { readCredential } from './_rest.ts';
import type { StoreContext } from './_store.ts';

export const KUBE_OPTIONS: OptionSpecs = {
  url: { type: 'text', help: 'the address of the API server: https://…; then `auth` is needed' },
  ca: { type: 'text', help: 'PEM file of the authorities to trust, for `url`' },
  kubeconfig: { type: 'text', help: 'a kubeconfig file; absolute' },
  context: { type: 'text', help: 'a context of the kubeconfig; its current one where absent' },
  namespace: {
    type: 'text',
    help: "the namespace of paths without one; else the kubeconfig's, the pod's, the workload's",
  },
  auth: {
    type: 'group',
    help: 'who we are, instead of what the kubeconfig or the service account says',
    members: {
      token: { type: 'reference', help: 'where the bearer token is' },
      tokenFile: { type: 'text', help: 'a file that has it' },
    },
  },
};

export const KUBE_AUTH: Readonly<Record<string, string>> = {
  'service account': "the pod's own, where bellhop runs in a cluster",
  kubeconfig: 'token, tokenFile or client certificate; plug-ins (exec) are not run',
  token: '`auth: { token: … }` or `auth: { tokenFile: … }`',
};

export const KUBE_VARIABLES: Readonly<Record<string, string>> = {
  KUBECONFIG: 'kubeconfig files, separated by colons',
  KUBERNETES_SERVICE_HOST: 'the API server as a pod sees it, with KUBERNETES_SERVICE_PORT',
  KUBERNETES_SERVICE_PORT: 'its port',
  HOME: 'where `.kube/config` is looked for, last',
};

/** Where the kubelet puts a pod's own credentials. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** An API server that requests can be sent to. */
export interface Kube {
  readonly namespace: string;
  /** A request to it; `at` begins with a slash. */
  request(at: string): Pick<HttpRequest, 'url' | 'proxy' | 'protocol' | 'tls'>;
  /** The header of each attempt; none where a certificate says who we are. */
  authorization(): (attempt: Parameters<ReturnType<typeof bearerHeader>>[0]) => Promise<Headers>;
  /** Gets the token before it is needed, so that its lack is told once. */
  ready(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

/** Finds the API server; requests nothing. */
export async function openKube(context: StoreContext, options: Options): Promise<Kube> {
  const auth = groupOption(options, 'auth');
  const given = await tokenOption(context, auth);
  const withUser = given.token === undefined;
  const found = findCluster(context, options, withUser);
  const cluster: Cluster = { ...found, ...given };
  const { url, ca, cert, key, serverName, token } = cluster;
  const tls: TlsFacts = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const where = [`store ${context.name}`];
  const bearer: Bearer | undefined =
    token === undefined
      ? undefined
      : openBearer(async ({ io }) => {
          // The kubelet replaces the file before its token ends.
          const text = 'file' in token ? neededCredential(io.fs, token.file, where) : token.text;
          if (/^[\x21-\x7e]+$/.test(text)) return text;
          const what = 'the token is empty or holds what no header can';
          throw new BellhopError('BH_ERR_CREDENTIALS', { where, what });
        });
  return {
    namespace: textOption(options, 'namespace') ?? cluster.namespace ?? context.namespace,
    request: (at) => ({ url: `${url}${at}`, proxy: 'environment', protocol: 'h2', tls }),
    authorization: () => {
      const header = bearer === undefined ? undefined : bearerHeader(bearer, context);
      return async (attempt): Promise<Headers> => {
        return header === undefined ? {} : { authorization: await header(attempt) };
      };
    },
    ready: async () => {
      await bearer?.token(context);
    },
  };
}

async function tokenOption(context: StoreContext, auth: Options): Promise<Pick<Cluster, 'token'>> {
  const file = textOption(auth, 'tokenFile');
  if (file !== undefined) return { token: { file } };
  const reference = auth['token'];
  if (reference === undefined) return {};
  return { token: { text: credentialText(await context.secret(reference)) } };
}

/**
 * Options, then KUBECONFIG, then the pod's service account, then ~/.kube/config: what was left in
 * an image does not win over the pod's own identity, as it would with kubectl.
 */
function findCluster(context: StoreContext, options: Options, withUser: boolean): Cluster {
  const { io, name } = context;
  const url = textOption(options, 'url');
  if (url !== undefined) return namedServer(context, url, textOption(options, 'ca'));
  const named = textOption(options, 'context');
  const wish = { context: named, withUser };
  const file = textOption(options, 'kubeconfig');
  const listed = (context.variable('KUBECONFIG') ?? '').split(':').filter((one) => one !== '');
  const files = file === undefined ? listed : [file];
  if (files.length > 0) return clusterOf(loadKubeConfig(io.fs, files), io.fs, wish);
  const pod = named === undefined ? podCluster(context) : undefined;
  if (pod !== undefined) return pod;
  const home = context.variable('HOME');
  const config = loadKubeConfig(io.fs, home === undefined ? [] : [`${home}/.kube/config`]);
  if (config.files.length > 0) return clusterOf(config, io.fs, wish);
  throw new BellhopError('BH_ERR_CREDENTIALS', {
    where: [`store ${name}`],
    what: 'no API server is known: no kubeconfig, and this is no pod with a service account',
    help: 'set the option `kubeconfig`, or KUBECONFIG, or run in a pod that mounts its service account',
  });
}

function namedServer(context: StoreContext, written: string, ca: string | undefined): Cluster {
  const { io, name } = context;
  const url = checkedAddress(context, written, { called: '`url`', isSecure: true });
  return {
    url,
    ...(ca === undefined ? {} : { ca: neededCredential(io.fs, ca, [`store ${name}`]) }),
  };
}

/** The API server as client-go's rest.InClusterConfig finds it; undefined outside of a pod. */
function podCluster(context: StoreContext): Cluster | undefined {
  const { io } = context;
  const host = context.variable('KUBERNETES_SERVICE_HOST');
  const port = context.variable('KUBERNETES_SERVICE_PORT');
  if (host === undefined || port === undefined) return undefined;
  const file = `${ACCOUNT}/token`;
  // A pod may have its variables and, with automountServiceAccountToken: false, no account.
  if (!('text' in readCredential(io.fs, file))) return undefined;
  const ca = readCredential(io.fs, `${ACCOUNT}/ca.crt`);
  const namespace = readCredential(io.fs, `${ACCOUNT}/namespace`);
  return {
    url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    token: { file },
    ...('text' in ca ? { ca: ca.text } : {}),
    ...('text' in namespace ? { namespace: namespace.text } : {}),
  };
}
