// The port where values are forgotten, as bellhop.yaml says who may have them forgotten.
import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import type { AskCaller } from '../webhook/callers.ts';
import { EVERYBODY, TOKEN_CHARACTERS_MIN, byToken, byTokenReview } from '../webhook/callers.ts';
import { handleInvalidations, invalidationFigure } from '../webhook/invalidation.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import type { Log } from '../webhook/log.ts';
import type { Metrics } from '../webhook/metrics.ts';
import type { InvalidationPort } from '../webhook/other-ports.ts';
import { SERVER_DEFAULTS } from '../webhook/server.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import type { ValueCache } from '../webhook/value-cache.ts';

interface Parts {
  readonly io: Io;
  readonly settings: WebhookSettings;
  readonly api: KubernetesApi | undefined;
  readonly cache: ValueCache;
  readonly log: Log;
  readonly metrics: Metrics;
}

const FILE_BYTES_MAX = 65_536;

/** Undefined where it stays closed. Throws where who may call cannot be told. */
export function invalidationPort(parts: Parts): InvalidationPort | undefined {
  const { settings, cache, log, metrics } = parts;
  const { cacheInvalidation, cacheInvalidationPort: port } = settings;
  const count = invalidationFigure(metrics);
  if (cacheInvalidation === undefined) return undefined;
  const { authentication } = cacheInvalidation;
  const askCaller = askerBy(parts, cacheInvalidation);
  return {
    address: { ...SERVER_DEFAULTS.status, port },
    isTls: authentication !== 'none',
    handle: handleInvalidations({ forget: cache.forget, askCaller, log, count }),
  };
}

function askerBy(
  { io, api }: Parts,
  { authentication, tokenFile = '', users = [] }: NonNullable<WebhookSettings['cacheInvalidation']>,
): AskCaller {
  const where = 'webhook.cacheInvalidation';
  switch (authentication) {
    case 'none':
      return EVERYBODY;
    case 'token': {
      const read = (): string | undefined => tokenIn(io, tokenFile);
      if (read() === undefined) {
        const what = `has no token of at least ${TOKEN_CHARACTERS_MIN} characters that can be read`;
        throw new BellhopError('BH_ERR_SETTINGS', { where: [where, tokenFile], what });
      }
      const sha256 = (text: string): string =>
        new Bun.CryptoHasher('sha256').update(text).digest('hex');
      return byToken({ read, sha256 });
    }
    case 'kubernetes': {
      if (api !== undefined) return byTokenReview({ api, clock: io.clock, users });
      const what = 'needs the cluster, to ask who a token is of';
      throw new BellhopError('BH_ERR_USAGE', { where: [`${where}: kubernetes`], what });
    }
  }
}

function tokenIn({ fs }: Io, file: string): string | undefined {
  try {
    const token = Buffer.from(fs.read(file, FILE_BYTES_MAX)).toString().trim();
    return token.length < TOKEN_CHARACTERS_MIN ? undefined : token;
  } catch {
    return undefined;
  }
}
