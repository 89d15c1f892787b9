// TLS of stores whose authorities, certificates and keys are PEM files named by options, or by the
// variables of the vendor's own client.
import { BellhopError } from '../core/errors.ts';
import type { TlsFacts } from '../core/io/net-types.ts';
import { FsError } from '../core/io/types.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { textOption } from './_options.ts';
import type { StoreContext } from './_store.ts';

const PEM_BYTES_MAX = 4 * 1024 * 1024;

/** The options that `tlsOf` reads. */
export const TLS_OPTIONS: OptionSpecs = {
  ca: { type: 'text', help: 'PEM file of the authorities to trust, instead of the built-in ones' },
  cert: { type: 'text', help: 'PEM file of the certificate that proves who we are' },
  key: { type: 'text', help: 'PEM file of its key' },
  serverName: {
    type: 'text',
    help: "the name that the server's certificate must have, where it is not the address's host",
  },
};

/** Names of variables that count where the option is absent. */
export interface TlsVariables {
  readonly ca?: string;
  /** A variable that holds PEM text itself; it counts before `ca`. */
  readonly caText?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

/** What options and variables say of TLS; undefined where they say nothing. Reads the files. */
export function tlsOf(
  options: Options,
  context: StoreContext,
  variables: TlsVariables = {},
): TlsFacts | undefined {
  const named = (option: keyof TlsVariables): string | undefined => {
    const { [option]: variable } = variables;
    const given = textOption(options, option);
    return given ?? (variable === undefined ? undefined : context.variable(variable));
  };
  const pem = (option: 'ca' | 'cert' | 'key'): string | undefined => {
    const file = named(option);
    return file === undefined ? undefined : readPem(context, option, file);
  };
  const caText = textOption(options, 'ca') === undefined ? named('caText') : undefined;
  const [cert, key, serverName] = [pem('cert'), pem('key'), named('serverName')];
  if ((cert === undefined) !== (key === undefined)) {
    throw settingsProblem(context, 'a client certificate and its key belong together');
  }
  const facts = { ca: caText ?? pem('ca'), cert, key, serverName };
  const given = Object.entries(facts).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function readPem(context: StoreContext, option: string, file: string): string {
  try {
    return new TextDecoder().decode(context.io.fs.read(file, PEM_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const what = `${file} cannot be read (${error.errno})`;
    const where = [`store ${context.name}`, option];
    throw new BellhopError('BH_ERR_SETTINGS', { where, what, cause: error });
  }
}

/** True where a variable is set, and not to what Go's ParseBool calls false. */
export function isSkipping(context: StoreContext, variable: string): boolean {
  const value = context.variable(variable);
  return value !== undefined && !/^(?:0|f|false)$/i.test(value);
}

/** What is wrong with the settings of a store. */
export function settingsProblem(context: StoreContext, what: string, help?: string): BellhopError {
  const better = help === undefined ? {} : { help };
  return new BellhopError('BH_ERR_SETTINGS', { where: [`store ${context.name}`], what, ...better });
}

/**
 * An address as origin and path without a slash at the end. Throws BH_ERR_SETTINGS for what is no
 * http(s) URL, or has a user, a query or a fragment.
 */
export function checkedAddress(context: StoreContext, address: string): string {
  const url = URL.parse(address);
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === '';
  if (isPlain && /^https?:$/.test(url.protocol) && url.hash === '') {
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  }
  const what = 'its address must be http(s)://HOST[:PORT][/PATH]';
  throw settingsProblem(context, what);
}
