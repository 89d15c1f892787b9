// Administration of a Vault or OpenBao for tests, by its API.
import { readFileSync } from 'node:fs';
import type { RealServer } from './_servers.ts';

interface Reply {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly auth?: { readonly client_token: string };
  readonly wrap_info?: { readonly token: string };
}

export interface VaultAdmin {
  /** Writes; `wrap` has the answer wrapped. */
  write(path: string, body?: unknown, wrap?: boolean): Promise<Reply>;
  read(path: string): Promise<Reply>;
  remove(path: string): Promise<void>;
  /** Mounts an engine or a way of logging in below `sys/mounts` or `sys/auth`; the name of it. */
  mount(what: 'mounts' | 'auth', type: string, options?: Record<string, unknown>): Promise<string>;
  /** A policy; its name. */
  policy(text: string): Promise<string>;
  /** A token with these policies, for so long. */
  token(policies: readonly string[], ttl?: string): Promise<string>;
}

/** A name that nobody else has. */
export const unique = (start: string): string => `${start}-${crypto.randomUUID().slice(0, 8)}`;

/** All names of a policy are the admin's; ends with the server, which is in memory. */
export function vaultAdmin(server: RealServer, namespace?: string): VaultAdmin {
  const { VAULT_CACERT: caFile } = server.env;
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8');
  const send = async (method: string, path: string, given: Given = {}): Promise<Reply> => {
    const headers = {
      'x-vault-token': server.get('VAULT_TOKEN'),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(given.wrap === true ? { 'x-vault-wrap-ttl': '60s' } : {}),
    };
    const answer = await fetch(`${server.get('VAULT_ADDR')}/v1/${path}`, {
      method,
      headers,
      ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: HTTP ${answer.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Reply);
  };
  return {
    write: (path, body = {}, wrap = false) => send('POST', path, { body, wrap }),
    read: (path) => send('GET', path),
    remove: async (path) => void (await send('DELETE', path)),
    mount: async (what, type, options = {}) => {
      const name = unique(type);
      await send('POST', `sys/${what}/${name}`, { body: { type, ...options } });
      return name;
    },
    policy: async (text) => {
      const name = unique('policy');
      await send('PUT', `sys/policies/acl/${name}`, { body: { policy: text } });
      return name;
    },
    token: async (policies, ttl = '10m') => {
      const { auth } = await send('POST', 'auth/token/create', { body: { policies, ttl } });
      return auth?.client_token ?? '';
    },
  };
}

interface Given {
  readonly body?: unknown;
  readonly wrap?: boolean;
}
