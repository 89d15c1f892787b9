// Ways of getting a token from Vault or OpenBao. Tokens are used, never renewed or revoked.
import { allOf } from '../core/all-of.ts';
import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import { flagOption, textOption } from './_options.ts';
import { credentialText, neededCredential, readCredential, recordIn, textIn } from './_rest.ts';
import { openShared } from './_shared.ts';
import { settingsProblem } from './_tls-files.ts';
import { awsLogin } from './_vault-aws.ts';
import type { VaultAnswer } from './_vault-server.ts';
import { ask, encodedPath, wordsOf } from './_vault-server.ts';
import type { Entering, Login, LoginBody } from './_vault-session.ts';

const KUBERNETES_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

export type Method = (entering: Entering) => Promise<Login>;

/** The ways of logging in, by name. */
export const METHODS: Readonly<Record<string, Method>> = {
  token: async (entering) => ({ token: await givenToken(entering), endsMs: Infinity }),
  wrapped: async (entering) => {
    const token = await givenToken(entering);
    return loginIn(entering, await unwrap(entering, token));
  },
  approle: async (entering) => {
    const [roleId, secretId] = await allOf([
      credential(entering, 'roleId', 'the role id'),
      secretIdOf(entering),
    ]);
    const secret = secretId === undefined ? {} : { secret_id: secretId };
    return enter(entering, { role_id: roleId, ...secret });
  },
  kubernetes: async (entering) => {
    const { server, auth } = entering;
    const file = textOption(auth, 'jwtFile') ?? KUBERNETES_TOKEN;
    const jwt = neededCredential(server.context.io.fs, file, where(entering, 'jwtFile'));
    return enter(entering, { role: neededRole(entering), jwt });
  },
  jwt: async (entering) => {
    const jwt = await jwtOf(entering);
    const role = textOption(entering.auth, 'role');
    return enter(entering, { ...(role === undefined ? {} : { role }), jwt });
  },
  aws: async (entering) => enter(entering, await awsLogin(entering)),
  cert: async (entering) => {
    const name = textOption(entering.auth, 'role');
    return enter(entering, name === undefined ? {} : { name });
  },
};

function where({ server }: Entering, option: string): readonly string[] {
  return [`store ${server.context.name}`, `auth.${option}`];
}

function lacking(entering: Entering, option: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_CREDENTIALS', { where: where(entering, option), what });
}

/** A role that the method cannot do without. */
export function neededRole({ server, auth }: Entering): string {
  const role = textOption(auth, 'role');
  if (role !== undefined) return role;
  throw settingsProblem(server.context, '`auth` needs a role for this method');
}

/** The option's reference, else the file that the option with `File` behind its name names. */
async function given({ server, auth }: Entering, option: string): Promise<string | undefined> {
  const { context } = server;
  if (auth[option] !== undefined) return credentialText(await context.secret(auth[option]));
  const file = textOption(auth, `${option}File`);
  if (file === undefined) return undefined;
  return neededCredential(context.io.fs, file, [`store ${context.name}`, `auth.${option}File`]);
}

async function credential(entering: Entering, option: string, called: string): Promise<string> {
  const text = await given(entering, option);
  if (text !== undefined && text !== '') return text;
  const what = `${called} is not given: set \`auth.${option}\` or \`auth.${option}File\``;
  throw lacking(entering, option, what);
}

/** Behind what the options say, the vendor's order: VAULT_TOKEN, then ~/.vault-token. */
async function givenToken(entering: Entering): Promise<string> {
  const { context } = entering.server;
  const token =
    (await given(entering, 'token')) ?? context.variable('VAULT_TOKEN') ?? tokenAtHome(entering);
  const help = 'set `auth`, or VAULT_TOKEN';
  if (token === undefined || token === '') {
    const what = 'there is no token: no option, no VAULT_TOKEN, no ~/.vault-token';
    throw new BellhopError('BH_ERR_CREDENTIALS', { where: where(entering, 'token'), what, help });
  }
  // It becomes a header.
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw lacking(entering, 'token', 'what is given as token has characters that no token has');
}

function tokenAtHome({ server }: Entering): string | undefined {
  const home = server.context.variable('HOME');
  if (home === undefined) return undefined;
  const read = readCredential(server.context.io.fs, `${home}/.vault-token`);
  return 'text' in read ? read.text : undefined;
}

async function secretIdOf(entering: Entering): Promise<string | undefined> {
  const { auth, key, server } = entering;
  const isGiven = auth['secretId'] !== undefined || auth['secretIdFile'] !== undefined;
  if (!isGiven) return undefined;
  if (!flagOption(auth, 'secretIdWrapped'))
    return credential(entering, 'secretId', 'the secret id');
  const shared = await server.context.once(`${key} secret id`, async () => {
    return openShared(unwrappedSecretId);
  });
  return shared.get(entering);
}

/** Done once: a later login takes what was in it. */
async function unwrappedSecretId(entering: Entering): Promise<string> {
  const token = await credential(entering, 'secretId', 'the token around the secret id');
  const { json } = await unwrap(entering, token);
  const secretId = textIn(recordIn(json, 'data'), 'secret_id');
  if (secretId !== undefined) return secretId;
  throw lacking(entering, 'secretId', 'what was wrapped is no secret id of an AppRole');
}

async function jwtOf(entering: Entering): Promise<string> {
  const { auth, server } = entering;
  const named = textOption(auth, 'jwtVariable');
  const jwt =
    named === undefined
      ? await given(entering, 'jwt')
      : (server.context.variable(named)?.trim() ?? '');
  if (jwt !== undefined && jwt !== '') return jwt;
  const what = named === undefined ? 'there is no JWT' : `there is no JWT in ${named}`;
  const help = 'set `auth.jwt`, `auth.jwtFile` or `auth.jwtVariable`';
  throw new BellhopError('BH_ERR_CREDENTIALS', { where: where(entering, 'jwt'), what, help });
}

/** Opens what was wrapped for us. It can be done once: whoever was first has it. */
async function unwrap(entering: Entering, token: string): Promise<VaultAnswer> {
  return ask<VaultAnswer>(entering.server, {
    name: 'unwrap',
    method: 'POST',
    path: 'sys/wrapping/unwrap',
    kind: 'credentials',
    once: true,
    token: async () => token,
    judge: (answer) => {
      if (answer.status === 200) return { kind: 'done', value: answer };
      const what = `the wrapping token is not valid: HTTP ${answer.status}, ${wordsOf(answer)}`;
      const help = 'it works once: if none of yours has opened it, somebody else did';
      return refused('BH_ERR_CREDENTIALS', what, help);
    },
  });
}

/** Logs in by `POST auth/MOUNT/login`; the mount is the method's name unless the options say so. */
export async function enter(entering: Entering, body: LoginBody): Promise<Login> {
  const { server, auth } = entering;
  const method = textOption(auth, 'method') ?? 'token';
  const mount = (textOption(auth, 'mount') ?? method).replace(/^\/+|\/+$/g, '');
  const encoded = encodedPath(mount);
  if (encoded === undefined) throw settingsProblem(server.context, '`auth.mount` is no path');
  const answer = await ask<VaultAnswer>(server, {
    name: `login at auth/${mount}`,
    method: 'POST',
    path: `auth/${encoded}/login`,
    body: JSON.stringify(body),
    kind: 'credentials',
    once: true,
    judge: (said) => {
      if (said.status === 200) return { kind: 'done', value: said };
      const what = `refused: HTTP ${said.status}, ${wordsOf(said)}`;
      const help = 'check `auth`: the method, where it is mounted, the role and what proves us';
      return refused(said.status === 404 ? 'BH_ERR_SETTINGS' : 'BH_ERR_CREDENTIALS', what, help);
    },
  });
  return loginIn(entering, answer);
}

/** The token of an answer; `lease_duration` is in seconds, 0 for one that never ends. */
function loginIn(entering: Entering, { json }: VaultAnswer): Login {
  const { context } = entering.server;
  const auth = recordIn(json, 'auth');
  const token = textIn(auth, 'client_token');
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    const what = 'the answer has no token';
    throw lacking(entering, 'method', what);
  }
  const { lease_duration: seconds } = auth;
  const lives = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : Infinity;
  return { token, endsMs: context.io.clock.now() + lives };
}
