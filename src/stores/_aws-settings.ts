import type { HttpRequest } from '../core/io/net-types.ts';
import { FsError } from '../core/io/types.ts';
import { checkedAddress } from './_address.ts';
import type { AwsService } from './_aws-endpoints.ts';
import { AWS, isGlobalSts, readArn, serviceUrl } from './_aws-endpoints.ts';
import type { AwsFiles } from './_aws-files.ts';
import { homePath, openAwsFiles, setting } from './_aws-files.ts';
import type { Options } from './_options.ts';
import { flagOption, groupOption, textOption } from './_options.ts';
import type { StoreContext } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';

/** What a store's options, the variables and the shared files say together. */
export interface AwsSettings {
  readonly region: string | undefined;
  /** The profile that counts, and whether somebody named it. */
  readonly profile: { readonly name: string; readonly isNamed: boolean };
  readonly files: AwsFiles;
  readonly auth: Options;
  readonly ca: string | undefined;
  /** The address of the store's own service; what others are at is not its business. */
  readonly endpoint: { readonly service: AwsService; readonly url: string | undefined };
  readonly isFips: boolean;
  readonly isDualstack: boolean;
}

const CA_BYTES_MAX = 16 * 1024 * 1024;

/** Reads everything that needs no request. Throws BH_ERR_SETTINGS. */
export function readAwsSettings(
  service: AwsService,
  options: Options,
  context: StoreContext,
): AwsSettings {
  const files = openAwsFiles(context);
  const auth = groupOption(options, 'auth');
  const named = textOption(auth, 'profile') ?? context.variable('AWS_PROFILE');
  const profile = { name: named ?? 'default', isNamed: named !== undefined };
  const section = files.profile(profile.name);
  const variable = (wanted: string): string | undefined => context.variable(wanted);
  const region =
    textOption(options, 'region') ??
    variable('AWS_REGION') ??
    variable('AWS_DEFAULT_REGION') ??
    setting(section, 'region');
  const says = (option: string, name: string, inFile: string): boolean => {
    if (flagOption(options, option)) return true;
    return isTrue(variable(name) ?? setting(section, inFile));
  };
  const url = textOption(options, 'endpoint');
  return {
    region: region === undefined ? undefined : checkedRegion(context, region),
    profile,
    files,
    auth,
    ca: readCa(
      context,
      textOption(options, 'ca') ?? variable('AWS_CA_BUNDLE') ?? setting(section, 'ca_bundle'),
    ),
    endpoint: { service, url: url === undefined ? undefined : checkedUrl(context, url) },
    isFips: says('fips', 'AWS_USE_FIPS_ENDPOINT', 'use_fips_endpoint'),
    isDualstack: says('dualstack', 'AWS_USE_DUALSTACK_ENDPOINT', 'use_dualstack_endpoint'),
  };
}

export function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === 'true';
}

/** A region becomes a part of a host's name. */
function checkedRegion(context: StoreContext, region: string): string {
  if (/^[a-z0-9-]{1,64}$/.test(region)) return region;
  throw settingsProblem(context, 'the region is none: letters, digits and - are expected');
}

function checkedUrl(context: StoreContext, url: string): string {
  return checkedAddress(context, url, { called: 'the endpoint' });
}

function readCa(context: StoreContext, file: string | undefined): string | undefined {
  const path = file === undefined ? undefined : homePath(context, file);
  if (path === undefined) return undefined;
  try {
    return new TextDecoder().decode(context.io.fs.read(path, CA_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw settingsProblem(context, `the authorities in ${path} cannot be read (${error.errno})`);
  }
}

/** Where a service is asked, and for which region the request is signed. */
export interface AwsAddress {
  /** Without a slash at the end. */
  readonly url: string;
  readonly region: string;
  /** True where somebody has named it: it may be an address without names for buckets. */
  readonly isConfigured: boolean;
}

/** The region of what is asked for: its ARN's, else the store's. Throws where there is none. */
export function regionOf(context: StoreContext, settings: AwsSettings, asked?: string): string {
  const fromArn = asked === undefined ? undefined : readArn(asked)?.region;
  if (fromArn !== undefined && fromArn !== '') return checkedRegion(context, fromArn);
  if (settings.region !== undefined) return settings.region;
  const help = 'set `region` of the store, or AWS_REGION';
  throw settingsProblem(context, 'no region is known', help);
}

/** The address of a service in a region. */
export function addressOf(
  context: StoreContext,
  settings: AwsSettings,
  asked: { readonly service: AwsService; readonly region: string },
): AwsAddress {
  const { service, region } = asked;
  const configured = configuredUrl(context, settings, service);
  if (configured !== undefined) return { url: configured, region, isConfigured: true };
  const { isFips, isDualstack } = settings;
  if (service === AWS.sts && !isFips && !isDualstack && isGlobalSts(region)) {
    const section = settings.files.profile(settings.profile.name);
    const mode =
      context.variable('AWS_STS_REGIONAL_ENDPOINTS') ?? setting(section, 'sts_regional_endpoints');
    if (mode === 'legacy') {
      return { url: 'https://sts.amazonaws.com', region: 'us-east-1', isConfigured: false };
    }
  }
  const url = serviceUrl(service, { region, isFips, isDualstack });
  return { url, region, isConfigured: false };
}

/** The order of botocore 1.44.5 (configprovider.py, ConfiguredEndpointProvider). */
function configuredUrl(
  context: StoreContext,
  settings: AwsSettings,
  service: AwsService,
): string | undefined {
  if (settings.endpoint.service === service && settings.endpoint.url !== undefined) {
    return settings.endpoint.url;
  }
  const section = settings.files.profile(settings.profile.name);
  const ignored =
    context.variable('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') ??
    setting(section, 'ignore_configured_endpoint_urls');
  if (isTrue(ignored)) return undefined;
  const { variable } = service;
  const services = settings.files.services(setting(section, 'services') ?? '');
  const block = services?.get(variable.toLowerCase());
  const found =
    context.variable(`AWS_ENDPOINT_URL_${variable}`) ??
    context.variable('AWS_ENDPOINT_URL') ??
    (typeof block === 'object' ? block.get('endpoint_url') : undefined) ??
    setting(section, 'endpoint_url');
  return found === undefined ? undefined : checkedUrl(context, found);
}

/** How a URL is asked: verified by the authorities that the settings name. */
export function transport(
  settings: AwsSettings,
  url: string,
): Pick<HttpRequest, 'proxy' | 'protocol' | 'tls'> {
  const tls = settings.ca === undefined || !url.startsWith('https:') ? {} : { ca: settings.ca };
  return { proxy: 'environment', protocol: 'h1', ...('ca' in tls ? { tls } : {}) };
}
