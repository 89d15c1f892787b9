// Azure ML command jobs: PUT of a job of jobType Command, and its container (vendor models of
// azure-ai-ml 1.35.2, azure-identity 1.27.0).
import * as azure from './_azure.ts';
import { runContainer } from './_container.ts';
import { imageAt } from './_image.ts';
import { ANY, broken, refused, type Rule, TEXT } from './_rules.ts';
import { plainView } from './_view.ts';
import { NotSimulated, type Ran, type Refusal } from './_types.ts';
import type { Simulator, View, Wish } from './_types.ts';

/** The members of a command job that the simulator reads. */
export interface CommandJob {
  readonly properties: {
    readonly jobType: string;
    readonly command: string;
    readonly environmentId: string;
    readonly environmentVariables?: Readonly<Record<string, string>>;
    readonly inputs?: Readonly<
      Record<string, { readonly jobInputType: string; readonly value?: string }>
    >;
    readonly [more: string]: unknown;
  };
  readonly [more: string]: unknown;
}

const RULE: Rule = {
  is: 'object',
  isOpen: true,
  members: {
    'properties!': {
      is: 'object',
      isOpen: true,
      members: {
        'jobType!': { is: 'string', oneOf: ['Command'] },
        'command!': { is: 'string', min: 1 },
        'environmentId!': TEXT,
        environmentVariables: { is: 'map', key: TEXT, value: TEXT },
        inputs: { is: 'map', key: TEXT, value: ANY },
      },
    },
  },
};

function refusals(request: CommandJob): Refusal[] {
  return refused('UserError', broken(RULE, request, ''));
}

/** `${{inputs.name}}` of literal inputs; data of a datastore is not simulated. */
function bound({ command, inputs = {} }: CommandJob['properties']): string {
  return command.replace(/\$\{\{\s*(?:inputs\.)([\w-]+)\s*\}\}/g, (_, name: string) => {
    const input = inputs[name];
    if (input?.jobInputType !== 'literal') throw new NotSimulated(`input ${name}`);
    return input.value ?? '';
  });
}

async function run(
  request: CommandJob,
  platform: azure.AzurePlatform,
  wish: Wish = {},
): Promise<Ran> {
  const found = refusals(request);
  if (found.length > 0) return { kind: 'refused', refusals: found };
  const { properties } = request;
  const own = {
    AZUREML_RUN_ID: 'job-1',
    AZUREML_ARM_WORKSPACE_NAME: 'workspace',
    MSI_ENDPOINT: `http://${azure.IDENTITY.address}:${azure.IDENTITY.port}/MSI/auth`,
    MSI_SECRET: azure.IDENTITY_HEADER,
  };
  const declared = Object.entries({ ...properties.environmentVariables, ...own });
  const view: View = {
    ...plainView({
      image: imageAt(platform.images, properties.environmentId),
      // A shell of the image, never its ENTRYPOINT.
      words: ['bash', '-c', bound(properties)],
      declared,
      hostname: 'node-0',
    }),
    isPidOne: false,
    network: azure.azureNetwork(platform.azure, azure.azureMlIdentity(platform.azure)),
  };
  const job = { view, own: { env: Object.keys(own), paths: [] } };
  const outcome = await runContainer(platform.yard, job, wish);
  return { kind: 'ended', outcome, status: outcome.exit === 0 ? 'Completed' : 'Failed' };
}

/** The simulator. */
export const azureMlCommand: Simulator<CommandJob, azure.AzurePlatform> = {
  name: 'azure-ml-command',
  refusals,
  run,
};
