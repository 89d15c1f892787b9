// Azure Container Apps jobs: PUT Microsoft.App/jobs, start, and one replica (vendor models of
// azure-mgmt-appcontainers 5.1.0).
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as azure from './_azure.ts';
import { runContainer, yardFolder } from './_container.ts';
import { dockerWords, imageAt } from './_image.ts';
import { ANY, broken, listOf, refused, refuseIf, type Rule, TEXT } from './_rules.ts';
import { plainView } from './_view.ts';
import { type Mounted, NotSimulated, type Ran, type Refusal } from './_types.ts';
import type { Simulator, View, Wish } from './_types.ts';

interface Secret {
  readonly name: string;
  readonly value?: string;
  readonly keyVaultUrl?: string;
  readonly identity?: string;
}

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly secretRef?: string;
}

interface Volume {
  readonly name: string;
  readonly storageType?: string;
  readonly secrets?: readonly { readonly secretRef: string; readonly path?: string }[];
}

interface AppContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly volumeMounts?: readonly { readonly volumeName: string; readonly mountPath: string }[];
}

interface Template {
  readonly containers: readonly AppContainer[];
  readonly volumes?: readonly Volume[];
}

/** The job, its name, and what the start overrides. */
export interface ContainerAppsRequests {
  readonly name: string;
  readonly job: {
    readonly properties: {
      readonly configuration: {
        readonly secrets?: readonly Secret[];
        readonly [m: string]: unknown;
      };
      readonly template: Template;
      readonly [more: string]: unknown;
    };
    readonly [more: string]: unknown;
  };
  readonly start?: { readonly containers?: readonly AppContainer[] };
}

const INVALID = 'InvalidParameterValueInContainerTemplate';
const ENV = listOf({
  is: 'object',
  members: { 'name!': { is: 'string', min: 1 }, value: TEXT, secretRef: TEXT },
});
const CONTAINER: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'name!': TEXT,
    'image!': TEXT,
    command: listOf(TEXT),
    args: listOf(TEXT),
    env: ENV,
  },
};
const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'properties!': {
      is: 'object',
      isOpen: true,
      members: {
        'configuration!': {
          is: 'object',
          isOpen: true,
          members: {
            secrets: listOf({
              is: 'object',
              members: {
                'name!': { is: 'string', pattern: '[a-z0-9]([-a-z0-9.]*[a-z0-9])?' },
                value: TEXT,
                keyVaultUrl: TEXT,
                identity: TEXT,
              },
            }),
          },
        },
        'template!': {
          is: 'object',
          isOpen: true,
          members: { 'containers!': listOf(CONTAINER, undefined, 1), volumes: listOf(ANY) },
        },
      },
    },
  },
};

function refusals({ job, start = {} }: ContainerAppsRequests): Refusal[] {
  const messages = [
    ...broken(RULE, job, ''),
    ...broken(listOf(CONTAINER), start.containers ?? [], 'containers'),
  ];
  const found = refused(INVALID, messages);
  if (found.length > 0) return found;
  const { configuration, template } = job.properties;
  const names = new Set((configuration.secrets ?? []).map(({ name }) => name));
  const asked = [
    ...[...template.containers, ...(start.containers ?? [])].flatMap(({ env = [] }) =>
      env.map(({ secretRef }) => secretRef),
    ),
    ...(template.volumes ?? []).flatMap(({ secrets = [] }) => secrets.map((one) => one.secretRef)),
  ].filter((one) => one !== undefined);
  return asked.flatMap((name) =>
    refuseIf(!names.has(name), 'secretRef', [
      'ContainerAppSecretRefNotFound',
      `SecretRef '${name}' defined for container app not found.`,
    ]),
  );
}

async function secretValues(
  secrets: readonly Secret[],
  world: azure.AzureWorld,
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const { name, value = '', keyVaultUrl } of secrets) {
    values.set(
      name,
      keyVaultUrl === undefined ? value : await azure.vaultSecret(world, keyVaultUrl),
    );
  }
  return values;
}

function mountsOf(
  one: AppContainer,
  volumes: readonly Volume[],
  job: { readonly platform: azure.AzurePlatform; readonly values: ReadonlyMap<string, string> },
): Mounted[] {
  return (one.volumeMounts ?? []).map(({ volumeName, mountPath: at }): Mounted => {
    const volume = volumes.find(({ name }) => name === volumeName);
    const from = yardFolder(job.platform.yard, 0o777);
    if (volume?.storageType === 'EmptyDir') return { kind: 'bind', at, from };
    if (volume?.storageType !== 'Secret') throw new NotSimulated('volumes of Azure Files');
    // Without a list every secret is a file of its name.
    const all = [...job.values.keys()].map((secretRef) => ({ secretRef, path: secretRef }));
    for (const { secretRef, path: file = secretRef } of volume.secrets ?? all) {
      const full = path.join(from, file);
      mkdirSync(path.dirname(full), { recursive: true });
      writeFileSync(full, job.values.get(secretRef) ?? '');
    }
    return { kind: 'bind', at, from, ro: true };
  });
}

async function viewOf(requests: ContainerAppsRequests, platform: azure.AzurePlatform) {
  const { name, job, start } = requests;
  const { configuration, template } = job.properties;
  const [one] = start?.containers ?? template.containers;
  if (one === undefined) throw new Error('refused before');
  const values = await secretValues(configuration.secrets ?? [], platform.azure);
  const env = (one.env ?? []).map(({ name: key, value = '', secretRef }): [string, string] => [
    key,
    secretRef === undefined ? value : (values.get(secretRef) ?? ''),
  ]);
  const own = {
    CONTAINER_APP_JOB_NAME: name,
    CONTAINER_APP_JOB_EXECUTION_NAME: `${name}-abc1234`,
    IDENTITY_ENDPOINT: `http://${azure.IDENTITY.address}:${azure.IDENTITY.port}/msi/token`,
    IDENTITY_HEADER: azure.IDENTITY_HEADER,
  };
  const image = imageAt(platform.images, one.image);
  const mounts = mountsOf(one, template.volumes ?? [], { platform, values });
  const view: View = {
    ...plainView({
      image,
      words: dockerWords(image, one.command, one.args),
      declared: [...env, ...Object.entries(own)],
      hostname: `${name}-abc1234`,
    }),
    mounts,
    network: azure.azureNetwork(platform.azure, azure.appService(platform.azure)),
  };
  return { view, own: { env: Object.keys(own), paths: [] } };
}

async function run(
  requests: ContainerAppsRequests,
  platform: azure.AzurePlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(requests);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  try {
    const outcome = await runContainer(platform.yard, await viewOf(requests, platform), wish);
    return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'Succeeded' : 'Failed' };
  } catch (cause) {
    if (!(cause instanceof azure.VaultError)) throw cause;
    return { kind: 'not started', reason: cause.message };
  }
}

/** The simulator. */
export const containerAppsJob: Simulator<ContainerAppsRequests, azure.AzurePlatform> = {
  name: 'azure-container-apps-job',
  refusals,
  run,
};
