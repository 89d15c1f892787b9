// TLS of stores whose authorities, certificates and keys are PEM files named by options, or by the
// variables of the vendor's own client.
import { BellhopError } from '../core/errors.ts';
import type { TlsFacts } from '../core/io/net-types.ts';
import { FsError } from '../core/io/types.ts';
import type { Options, OptionSpecs } from './_options.ts';
import { textOption } from './_options.ts';
import type { StoreContext } from './_store.ts';

const PEM_BYTES_MAX = 4 * 1024 * 1024;

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

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
  /** A variable that names a folder of PEM files; it counts after `ca`. */
  readonly caFolder?: string;
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
  const ca = caText ?? pem('ca') ?? folderPem(context, variables);
  if (ca !== undefined && !CERTIFICATE.test(ca)) {
    throw settingsProblem(context, 'what it is given as `ca` holds no PEM certificate');
  }
  const facts = { ca, cert, key, serverName };
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

/** All authorities below the folder that a variable names, as HashiCorp's go-rootcerts does. */
function folderPem(context: StoreContext, { caFolder }: TlsVariables): string | undefined {
  const folder = caFolder === undefined ? undefined : context.variable(caFolder);
  if (caFolder === undefined || folder === undefined) return undefined;
  const found = filesBelow(context, caFolder, folder).map((file) =>
    readPem(context, caFolder, file),
  );
  const text = found.join('\n');
  if (CERTIFICATE.test(text)) return text;
  throw settingsProblem(context, `there is no authority in the folder ${folder} of ${caFolder}`);
}

/** Links to folders are not followed: what the kubelet mounts is then seen once. */
function filesBelow(context: StoreContext, called: string, folder: string): readonly string[] {
  const { fs } = context.io;
  try {
    return fs
      .list(folder)
      .toSorted()
      .flatMap((name) => {
        const path = `${folder}/${name}`;
        if (fs.stat(path)?.kind === 'dir') {
          return name.startsWith('..') ? [] : filesBelow(context, called, path);
        }
        return fs.statThrough(path)?.kind === 'file' ? [path] : [];
      });
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw settingsProblem(context, `${folder} of ${called} cannot be read (${error.errno})`);
  }
}

/** True where a variable is set, and not to what Go's ParseBool calls false. */
export function isSkipping(context: StoreContext, variable: string): boolean {
  const value = context.variable(variable);
  return value !== undefined && !/^(?:0|f|false)$/i.test(value);
}

/** How every request to a server goes that is asked by HTTP/2 where it speaks it. */
export function transport(tls: TlsFacts | undefined, bodyBytesMax: number) {
  const proven = tls === undefined ? {} : { tls };
  return { proxy: 'environment', protocol: 'h2', bodyBytesMax, ...proven } as const;
}

/** What is wrong with the settings of a store. */
export function settingsProblem(context: StoreContext, what: string, help?: string): BellhopError {
  const better = help === undefined ? {} : { help };
  return new BellhopError('BH_ERR_SETTINGS', { where: [`store ${context.name}`], what, ...better });
}
