// Nomad, Slurm and Databricks as a round trip uses them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DatabricksJob, databricksJob } from './databricks-job.ts';
import { nomad as nomadAgent, type NomadJob } from './nomad.ts';
import { hostShell } from './_probe.ts';
import { IMAGE, request, type Way } from './_road.ts';
import { slurmApptainer, type Submission } from './slurm-apptainer.ts';
import { NOT_FIRST, OF_THE_PLATFORM, WITHOUT_VOLUMES } from './_ways-clouds.ts';

export const nomad: Way = {
  name: 'nomad',
  given: {},
  entrypoint: 'request',
  keeps: 'web',
  run: (requests, { yard, web, image, wish }) => {
    const job = request<NomadJob>(requests, 'RegisterJob');
    const client = { yard, reachable: [web.port], images: { [IMAGE]: image } };
    return nomadAgent.run(job, client, wish);
  },
};

export const slurm: Way = {
  name: 'slurm-apptainer',
  given: {},
  entrypoint: 'request',
  keeps: 'web',
  policy: { identity: 'keep' },
  differs: new RegExp(`${OF_THE_PLATFORM.source}|^pid$|^cwd$`),
  few: WITHOUT_VOLUMES,
  run: (requests, { yard, web, image, wish }) => {
    const { script } = request<Submission>(requests, 'sbatch');
    const cluster = { yard, reachable: [web.port], images: { [`docker://${IMAGE}`]: image } };
    return slurmApptainer.run({ script }, cluster, wish);
  },
};

const ENTRY = path.join(import.meta.dirname, '../../deploy/databricks/entry.py');
const PYTHON_FILE = '/Workspace/Shared/bellhop.py';

export const databricks: Way = {
  name: 'databricks-job',
  given: {
    SubmitRun: {
      tasks: [
        {
          new_cluster: { spark_version: '16.4.x-scala2.12', node_type_id: 'm5.large' },
          spark_python_task: { python_file: PYTHON_FILE },
        },
      ],
    },
  },
  entrypoint: 'request',
  keeps: 'web',
  differs: NOT_FIRST,
  // The driver's Python starts it.
  tools: hostShell(),
  run: (requests, { yard, web, image, wish }) => {
    const workspace = {
      yard,
      files: { [PYTHON_FILE]: readFileSync(ENTRY, 'utf8') },
      secrets: {},
      reachable: [web.port],
      images: { [IMAGE]: image },
    };
    return databricksJob.run(request<DatabricksJob>(requests, 'SubmitRun'), workspace, wish);
  },
};
