// Azure's clouds: where vaults and storage accounts are, what the tokens of vaults are for, and who
// gives them out.

/** One of Azure's clouds. */
export interface AzureCloud {
  /** What the hosts of vaults end with. */
  readonly vaultSuffix: string;
  /** What the hosts of storage accounts end with. */
  readonly blobSuffix: string;
  readonly authority: string;
}

const AZURE: AzureCloud = {
  vaultSuffix: 'vault.azure.net',
  blobSuffix: 'blob.core.windows.net',
  authority: 'https://login.microsoftonline.com',
};

/**
 * Public, China, US government: @azure/keyvault-secrets 4.11.2, @azure/identity 4.13.1;
 * blobs: azure-cli-core 2.x (cloud.py, storage_endpoint).
 */
const CLOUDS: readonly AzureCloud[] = [
  AZURE,
  {
    vaultSuffix: 'vault.azure.cn',
    blobSuffix: 'blob.core.chinacloudapi.cn',
    authority: 'https://login.chinacloudapi.cn',
  },
  {
    vaultSuffix: 'vault.usgovcloudapi.net',
    blobSuffix: 'blob.core.usgovcloudapi.net',
    authority: 'https://login.microsoftonline.us',
  },
];

/** The cloud of a vault's host; undefined where the host is not a vault's. */
export function cloudOf(host: string): AzureCloud | undefined {
  return CLOUDS.find(({ vaultSuffix }) => {
    const name = host.endsWith(`.${vaultSuffix}`) ? host.slice(0, -vaultSuffix.length - 1) : '';
    return /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(name);
  });
}

/** The cloud whose tokens come from this authority; the public one for others. */
export function cloudOfAuthority(authority: string | undefined): AzureCloud {
  return CLOUDS.find((one) => one.authority === authority) ?? AZURE;
}

/** Where a path's secret is. */
export interface SecretAddress {
  /** `https://HOST[:PORT]`. */
  readonly vault: string;
  readonly name: string;
  readonly version?: string;
  /** What the token is for: `https://vault.azure.net`. */
  readonly resource: string;
}

/** The vault of the options: its URL, and what its tokens are for. */
export interface Vault {
  readonly url: string;
  readonly resource: string;
}

const NAME = '[0-9A-Za-z-]{1,127}';
const VERSION = '[0-9A-Za-z]{1,64}';

/** What a path names; what is wrong with it as text. */
export function readAddress(path: string, own: Vault | undefined): SecretAddress | string {
  return path.includes('/') ? wholeAddress(path, own) : bareName(path, own);
}

function bareName(name: string, own: Vault | undefined): SecretAddress | string {
  if (!new RegExp(`^${NAME}$`).test(name)) {
    return "the name of a secret has letters, digits and '-', at most 127";
  }
  if (own === undefined) return 'no vault is known for it';
  return { vault: own.url, name, resource: own.resource };
}

const WHOLE = new RegExp(`^(https://[^/?#@]+)/secrets/(${NAME})(?:/(${VERSION}))?/?$`);

function wholeAddress(path: string, own: Vault | undefined): SecretAddress | string {
  const [, origin = '', name = '', version] = WHOLE.exec(path) ?? [];
  const url = URL.parse(origin);
  if (url === null) {
    return 'a path is the name of a secret, or https://VAULT.vault.azure.net/secrets/NAME';
  }
  const named = { name, ...(version === undefined ? {} : { version }) };
  if (url.origin === own?.url) return { vault: own.url, resource: own.resource, ...named };
  const cloud = url.port === '' ? cloudOf(url.hostname) : undefined;
  // Our token would be sent to whoever that is.
  if (cloud === undefined) return `${url.host} is not the host of a vault`;
  return { vault: url.origin, resource: `https://${cloud.vaultSuffix}`, ...named };
}
