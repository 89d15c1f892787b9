// Tokens of registries: Docker's token authentication.
import { Refusal } from '../injectors/_injector.ts';
import { jsonRecord, textIn } from '../stores/_rest.ts';
import type { Challenge } from '../wire/auth-challenge.ts';
import type { Login } from '../wire/docker-config.ts';
import { mayLogIn } from './registry-places.ts';
import type { Session } from './registry-send.ts';
import { basic, send } from './registry-send.ts';

/** What a token may look like in a header. */
const TOKEN = /^[\w.~+/=-]{1,65536}$/;

/**
 * What to send with requests, by this login or by none; undefined where it is not taken. Rejects
 * with Refusal where the token would come from a place that nobody has named.
 */
export async function tokenFor(
  session: Session,
  { parameters }: Challenge,
  login: Login | undefined,
): Promise<string | undefined> {
  const { asked, origin } = session;
  const realm = URL.parse(parameters['realm'] ?? '');
  if (realm === null) throw new Refusal('it wants a token, and does not say whose');
  if (!mayLogIn(realm, origin, asked.host)) {
    const { host } = asked.image;
    throw new Refusal(
      `its tokens come from ${realm.host}, which is not one of tokenHosts of ` +
        `webhook.registry.hosts["${host}"]`,
    );
  }
  const { service } = parameters;
  if (service !== undefined) realm.searchParams.set('service', service);
  realm.searchParams.set('scope', `repository:${asked.image.repository}:pull`);
  const headers = login === undefined ? {} : { authorization: basic(login) };
  const answer = await send(session, { method: 'GET', url: realm.href, headers }, true);
  if (answer.status !== 200) return undefined;
  const body = jsonRecord(answer.body) ?? {};
  const token = textIn(body, 'token') ?? textIn(body, 'access_token') ?? '';
  if (!TOKEN.test(token)) throw new Refusal(`${realm.host} gave no token`);
  return `Bearer ${token}`;
}
