// What a path of a Confidant store names, and what its options say of tokens.
import { BellhopError } from '../core/errors.ts';
import type { Json } from '../wire/confidant.ts';
import { pairBytes } from '../wire/confidant.ts';
import type { OpenedService } from '../wire/confidant-formats.ts';
import type { TokenFacts } from './_confidant.ts';
import type { Options } from './_options.ts';
import { numberOption, textOption } from './_options.ts';

/** A service, and the shape in which it is wanted. */
export interface ConfidantPath {
  readonly service: string;
  /** Absent: the keys and values themselves. */
  readonly format: 'env' | 'combined' | undefined;
  /** Of the variables of `env`. */
  readonly prefix: string;
}

/** As confidant-client 2.7.1 has it. */
const PREFIX = 'CREDENTIALS_';

const WRITTEN = /^([^?]+)(?:\?format=(?:(combined)|env(?:&prefix=([^&]*))?))?$/;

/** Reads `SERVICE`, `SERVICE?format=env&prefix=APP_`; throws BH_ERR_SETTINGS. */
export function readPath(path: string, options: Options, store: string): ConfidantPath {
  const where = [`store ${store}`, path];
  const [all, named = '', combined, prefix] = WRITTEN.exec(path) ?? [];
  if (all === undefined) {
    const what = 'a path is SERVICE, SERVICE?format=env[&prefix=NAME_] or SERVICE?format=combined';
    throw new BellhopError('BH_ERR_SETTINGS', { where, what });
  }
  const service = named === '.' ? textOption(options, 'service') : named;
  if (service === undefined || /^\.+$/.test(service)) {
    const what = 'it must name a service; `.` is the option `service` of the store';
    throw new BellhopError('BH_ERR_SETTINGS', { where, what });
  }
  if (combined !== undefined) return { service, format: 'combined', prefix: '' };
  return path.includes('?')
    ? { service, format: 'env', prefix: prefix ?? PREFIX }
    : { service, format: undefined, prefix: '' };
}

const LIFETIME_MINUTES = { min: 5, standard: 10, max: 60 };

/** Who we are to the server for one service; throws BH_ERR_SETTINGS. */
export function tokenFactsOf(options: Options, service: string, store: string): TokenFacts {
  const fail = (what: string): never => {
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${store}`], what });
  };
  const text = (name: string, absent: string): string => textOption(options, name) ?? absent;
  const version = numberOption(options, 'tokenVersion') ?? 2;
  if (version !== 1 && version !== 2) return fail('`tokenVersion` is 1 or 2');
  const { min, standard, max } = LIFETIME_MINUTES;
  const lifetimeMinutes = numberOption(options, 'tokenLifetimeMinutes') ?? standard;
  if (lifetimeMinutes < min || lifetimeMinutes > max) {
    return fail(`\`tokenLifetimeMinutes\` is from ${min} to ${max}`);
  }
  const from = text('from', text('service', service));
  if (/[:\p{Cc}]/u.test(from)) return fail("`from` may not have ':' or control characters");
  const names = { authKey: text('authKey', ''), from, to: text('to', '') };
  return { ...names, userType: text('userType', 'service'), version, lifetimeMinutes };
}

/**
 * All keys of enabled credentials; a blind one's value counts more, as in the official client.
 * Throws BH_ERR_VALUE where two ordinary ones, or two blind ones, have different values for one
 * key: Confidant's order is not stable, so nobody can say which is meant.
 */
export function pairsInService(service: OpenedService): ReadonlyMap<string, Json> {
  return new Map([...pairsIn(service.credentials), ...pairsIn(service.blind)]);
}

function pairsIn(all: OpenedService['blind']): ReadonlyMap<string, Json> {
  const found = new Map<string, { readonly value: Json; readonly name: string }>();
  for (const { name, pairs } of all.filter((one) => one.enabled)) {
    for (const [key, value] of pairs) {
      const other = found.get(key);
      if (other !== undefined && !isSame(other.value, value)) {
        const what = `the credentials ${other.name} and ${name} have different values for ${key}`;
        throw new BellhopError('BH_ERR_VALUE', { where: [], what, help: TWICE_HELP });
      }
      found.set(key, { value, name });
    }
  }
  return new Map([...found].map(([key, { value }]) => [key, value]));
}

function isSame(one: Json, other: Json): boolean {
  return Buffer.from(pairBytes(one)).equals(pairBytes(other));
}

const TWICE_HELP = 'give one of the two credentials another key, or disable it';
