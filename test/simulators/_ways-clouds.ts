// Lambda, and the platforms of Google and Azure, as a round trip uses them.
import { azureMlCommand, type CommandJob } from './azure-ml-command.ts';
import { containerAppsJob, type ContainerAppsRequests } from './azure-container-apps-job.ts';
import { cloudRunJob, type CloudRunRequests } from './cloud-run-job.ts';
import { type CreateFunction, lambdaImage } from './lambda-image.ts';
import { ROLE } from './_legal.ts';
import { hostShell } from './_probe.ts';
import { IMAGE, type Place, request, type Way } from './_road.ts';
import { type CustomJob, vertexCustomJob } from './vertex-custom-job.ts';

/** Pods without volumes: what has to lie where the platform's user may not write is refused. */
export const WITHOUT_VOLUMES = ['argv-both', 'envfrom-odd-keys', 'expand-services'];

/** The container is the platform's user, whatever image and pod say. */
export const OF_THE_PLATFORM = /^(e?[ug]id|groups|env\[HOME\])/;

/** Something of the platform is PID 1. */
export const NOT_FIRST = /^pid$/;

export const lambda: Way = {
  name: 'lambda-image',
  given: { CreateFunction: { Role: ROLE, Timeout: 60 } },
  entrypoint: 'request',
  policy: { identity: 'keep' },
  differs: OF_THE_PLATFORM,
  few: WITHOUT_VOLUMES,
  run: (requests, { yard, aws, image, wish }) => {
    const create = request<CreateFunction>(requests, 'CreateFunction');
    return lambdaImage.run({ create }, { yard, aws, images: { [IMAGE]: image } }, wish);
  },
};

/** A project of which nothing is asked. */
function google({ yard, web, image }: Place) {
  const own = { project: 'p', region: 'us-central1', endpoint: web.url, token: '' };
  return { yard, google: { ...own, reachable: [web.port] }, images: { [IMAGE]: image } };
}

const PARENT = 'projects/p/locations/us-central1';

export const vertex: Way = {
  name: 'vertex-custom-job',
  given: {
    CreateCustomJob: {
      parent: PARENT,
      jobSpec: { workerPoolSpecs: [{ machineSpec: { machineType: 'n1-standard-4' } }] },
    },
  },
  entrypoint: 'request',
  keeps: 'web',
  run: (requests, place) => {
    const { parent: _, ...job } = request<CustomJob>(requests, 'CreateCustomJob');
    return vertexCustomJob.run(job as CustomJob, google(place), place.wish);
  },
};

export const cloudRun: Way = {
  name: 'cloud-run-job',
  given: { CreateJob: { parent: PARENT } },
  entrypoint: 'request',
  keeps: 'web',
  run: (requests, place) => {
    type Created = CloudRunRequests['job'] & { readonly jobId: string; readonly parent: string };
    const { jobId, parent: _, ...job } = request<Created>(requests, 'CreateJob');
    return cloudRunJob.run({ jobId, job }, google(place), place.wish);
  },
};

/** A subscription of which nothing is asked. */
function azure({ yard, web }: Place) {
  const own = { vault: web.url, caFile: '', identity: web.url, identityHeader: '' };
  return { yard, azure: { ...own, reachable: [web.port] } };
}

export const azureMl: Way = {
  name: 'azure-ml-command',
  given: {
    CreateCommandJob: {
      resource:
        '/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w',
      properties: { computeId: '/subscriptions/s/computes/c' },
    },
  },
  entrypoint: 'request',
  keeps: 'web',
  differs: NOT_FIRST,
  // Its command is a line of shell of the image.
  tools: hostShell(),
  run: (requests, place) => {
    const job = request<CommandJob>(requests, 'CreateCommandJob');
    const images = { [job.properties.environmentId]: place.image };
    return azureMlCommand.run(job, { ...azure(place), images }, place.wish);
  },
};

export const containerApps: Way = {
  name: 'azure-container-apps-job',
  given: {
    CreateOrUpdateJob: {
      resource: '/subscriptions/s/resourceGroups/g',
      location: 'westeurope',
      properties: { environmentId: '/subscriptions/s/resourceGroups/g/env' },
    },
  },
  entrypoint: 'request',
  keeps: 'web',
  run: (requests, place) => {
    const job = request<ContainerAppsRequests['job']>(requests, 'CreateOrUpdateJob');
    const platform = { ...azure(place), images: { [IMAGE]: place.image } };
    return containerAppsJob.run({ name: 'job', job }, platform, place.wish);
  },
};
