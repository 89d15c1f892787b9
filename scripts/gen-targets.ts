// docs/targets.md, made from the files of src/targets.
import measured from '../bench/results/submit.json' with { type: 'json' };
import { countedText } from '../src/submit/judge.ts';
import { ALL_STORES } from '../src/stores/_all.gen.ts';
import { ALL_TARGETS } from '../src/targets/_all.gen.ts';
import type { Cap } from '../src/targets/_caps.ts';
import type { Feature, Target } from '../src/targets/_target.ts';
import { FEATURES } from '../src/targets/_target.ts';
import { code, page, table } from './markdown.ts';

const NAMES: Readonly<Record<Feature, string>> = {
  variables: 'variables',
  secretVariables: 'variables from a store',
  files: 'Secret and ConfigMap volumes, files',
  hyperparameters: 'hyperparameters',
  command: 'command and args',
  workingDir: 'workingDir',
  user: 'runAsUser, groups',
  cpuAndMemory: 'cpu and memory',
  gpu: 'GPUs',
  memoryVolume: 'emptyDir in memory',
  isolation: 'a container without network',
  sidecars: 'containers beside it',
  initContainers: 'init containers',
  persistentVolume: 'persistent volumes',
  hostPath: 'hostPath',
  hostNamespaces: 'hostNetwork, hostPID, hostIPC',
  privileged: 'privileged',
  devices: 'block devices',
  stdin: 'stdin',
  tty: 'tty',
  retries: 'backoffLimit, restartPolicy',
  timeLimit: 'activeDeadlineSeconds',
  completions: 'completions, parallelism',
  completionIndex: 'completionMode: Indexed',
};

const BY = { request: 'request', entrypoint: 'entrypoint', nobody: '–' } as const;

const INTRO = [
  "`bellhop submit TARGET -f pod.yaml -c bellhop.yaml` makes the platform's own request from a pod.",
  'What fits under the caps goes into the request, by need: first the pointer to the plan, then',
  'secrets that the platform brings itself, then variables in the order of the plan. The plan goes',
  'into the request, compressed, where there is room (`BELLHOP_PLAN=inline:N`); else to',
  '`submit.spill` as one object, named by its content, from where the container fetches it within',
  'its `startMsMax` (`BELLHOP_PLAN=store:path`), its digest checked. ConfigMaps of the input go',
  'along with the plan. Secrets never do: a Secret of the input is refused, bind it to a store.',
  '',
  'Whatever the request has, the entrypoint (`bellhop run` in the image) delivers everything that',
  'the pod promises: what stands in the request is there for people and tools to see. Names that a',
  'platform forbids, and values that it would change, are delivered by the entrypoint alone.',
  '',
  'What the image is, `submit` is told (`--image-entrypoint`, `--image-cmd`, `--image-user`,',
  '`--image-workdir`, or `image:`), and judges by it: a pod with args alone is taken where the image',
  'has a CMD and no ENTRYPOINT; a user that bellhop could not become, and a mount path at which',
  'there is something already, are refused before anything is sent. What cannot be known from here',
  'is told as a warning, or by `--explain`.',
  '',
  'What the manifest says of a cluster alone is named in a warning with its place: probes, hooks,',
  'host aliases, DNS, replicas, the times of a CronJob, other resources than cpu, memory and GPUs,',
  'and what of attempts, time and tasks the target has no field for (below). Say it to the platform in `submit.targets`, and then (`submit.without: [livenessProbe]`)',
  'that the job can do without.',
  '',
  'A platform has one number for memory, and ends what uses more: it is the limit of the container,',
  'or its request where it has none. CPU is what it requests.',
  '',
  'How often a failed program is started again (`backoffLimit`, `backoffLimitPerIndex`, `restartPolicy:',
  'Never` of a Pod), how long it may take (`activeDeadlineSeconds` of the pod and of the Job) and how',
  "many pods a Job has (`completions`, `parallelism`) go into the platform's own fields where they",
  'mean the same. What means only nearly the same is told: the time of all attempts as that of each,',
  'the retries of all tasks as those of each. What the manifest does not say stays as the platform has',
  'it, which is not what Kubernetes does: a silent `backoffLimit` are 6 retries there, 3 on Cloud Run',
  'and none on Batch. Fields in `submit.targets` win, `submit.without` leaves out, and what is over a',
  'cap is refused: a shorter time would end a job early.',
  '',
  'In an Indexed Job (`completionMode: Indexed`) the program has JOB_COMPLETION_INDEX, and the label',
  "and annotation `batch.kubernetes.io/job-completion-index`, from the platform's own index, read at",
  'the start: the plan is the same for all tasks. It is the index of the platform that the job was',
  'submitted to, whatever variables of other platforms stand in the environment; only where that tells',
  'none it is JOB_COMPLETION_INDEX of the environment. `bellhop run -f job.yaml` takes',
  'JOB_COMPLETION_INDEX of its own environment first, then the index of the platform that it finds',
  'itself on. A Job of one pod is always 0, and an index that is not below `completions` is refused,',
  'also one given with `--field`. Where a platform has no index, a Job of several pods is refused:',
  '`--field` makes one pod of it.',
  '',
  "The platform's own stay so: its variables, the host's name, folders that it mounts. What else a",
  'program sees differ there says each target below. Recorded pods go through all of them in tests,',
  'by simulators made from their documents.',
  '',
  'The same input gives the same requests and the same object. Names end in a digest of all that',
  'was given, and what is there already is not made again. `--name` starts the same job once more',
  'under another name; where that is taken by another job, or by one that does not say what it is,',
  'it is refused.',
];

const SETTINGS = [
  '```yaml',
  'stores: { s3: { kind: s3, region: eu-west-1, sseKmsKeyId: alias/jobs } }',
  'submit:',
  '  spill: s3:my-bucket/bellhop/{job}   # where the request has no room',
  '  expireDays: 14                      # tag `bellhop-expire-days` for a lifecycle rule',
  '  startedBy: request                  # image: its ENTRYPOINT is `bellhop run --` already',
  '  without: [proxy, privileged]        # what the job can do without, containers too',
  '  hyperparameters: { configMap: train-params, key: hp.json }',
  '  targets:                            # by target and operation, as the API spells it',
  '    sagemaker-training:',
  '      CreateTrainingJob: { RoleArn: arn:aws:iam::…, ResourceConfig: {…}, OutputDataConfig: {…} }',
  '```',
];

/** The bench's own figures: the least wall time of its rounds, and the peak of memory. */
function costs(): string[] {
  const { machine, rounds, rows } = measured;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  return [
    '## What it costs',
    `\`npm run bench -- submit\`: best of ${rounds}, and the peak of memory. ${machine}.`,
    '',
    ...table(
      ['', 'time', 'processor', 'memory'],
      rows.map(({ name, wallMs, cpuMs, peakMiB }) => {
        return [name, seconds(wallMs.min), seconds(cpuMs.min), `${Math.round(peakMiB)} MiB`];
      }),
    ),
    '',
    'One start takes at most 64 MiB of hyperparameters. [examples/sagemaker](../examples/sagemaker)',
    'has a job with 300 variables, 40 secrets, 5 MB of hyperparameters and StatsD.',
  ];
}

async function allTargets(): Promise<readonly Target[]> {
  return Promise.all(Object.values(ALL_TARGETS).map(async (load) => (await load()).default));
}

/** docs/targets.md. */
export async function targetsPage(): Promise<string> {
  const targets = await allTargets();
  return page('Targets', [
    ...INTRO,
    '',
    ...SETTINGS,
    '',
    '## What each target has',
    'By the request of the platform, by the entrypoint, or not at all (–).',
    '',
    ...table(
      ['', ...targets.map(({ name }) => `[${name}](#${name})`)],
      FEATURES.map((feature) => [
        NAMES[feature],
        ...targets.map(({ features }) => BY[features[feature].by]),
      ]),
    ),
    '',
    '## Secrets that the platform brings itself',
    'A variable whose value is a whole secret is left to the platform where it gives the same bytes:',
    'Secrets Manager and Parameter Store by ARN on ECS and Batch, Secret Manager on Cloud Run, Key',
    'Vault on Container Apps. What it takes: the role that starts the container (the execution role)',
    'reads the secret, and the container needs no right to it; the platform refuses to start where it',
    'cannot be read. Files, defaults, fallbacks and last good copies are always bellhop’s.',
    '',
    'One key of a JSON secret is left to the entrypoint, unless `submit: { nativeKeys: true }`: ECS and',
    'Batch have `ARN:key:stage:id`, but the agent prints what it finds by Go’s `%v`: a string as it is,',
    'the number 10000000 as `1e+07`, an object as `map[…]`. Nobody knows at the time of the request what',
    'the value will be, so it is for you to say that these values are strings.',
    '',
    '## Where a plan can be spilled to',
    ...(await spillTable()),
    '',
    'Objects are encrypted as the store does it: `sseKmsKeyId` of an `s3` store, `kmsKeyName` of a',
    '`gcs` store and `encryptionScope` of an `azure-blob` store name the key. The container needs the',
    'right to read the object, who submits the right to write (and to tag) it.',
    'What the platform itself brings (an input channel of SageMaker) may have 192 MiB.',
    '',
    'After `expireDays` a rule of the place takes the object away; without a rule nothing does. `gcs`',
    'and `azure-blob` leave an equal object that is there, and put its end off; `s3` writes it again.',
    '',
    '| store | what says how long it is needed | a rule that heeds it |',
    '|---|---|---|',
    '| `s3` | tag `bellhop-expire-days` | `Filter: {Tag: {Key: bellhop-expire-days, Value: "30"}}, Expiration: {Days: 30}` |',
    '| `gcs` | Custom-Time: the time of the end | `action: {type: Delete}, condition: {daysSinceCustomTime: 1, matchesPrefix: [bellhop/]}` |',
    '| `azure-blob` | when it was last modified; metadata `bellhop_expire_days`, with `indexTags` an index tag of that name | `filters: {blobTypes: [blockBlob], blobIndexMatch: [{name: bellhop_expire_days, op: ==, value: "30"}]}, actions: {baseBlob: {delete: {daysAfterModificationGreaterThan: 30}}}` |',
    '',
    ...costs(),
    ...targets.flatMap(section),
  ]);
}

async function spillTable(): Promise<string[]> {
  const kinds = await Promise.all(
    Object.values(ALL_STORES).map(async (load) => (await load()).default),
  );
  const rows = kinds.flatMap(({ kind, writes }) => {
    if (writes === undefined) return [];
    const needs = writes.needs === undefined ? '' : `where ${code(writes.needs)} is set`;
    const most = writes.bytesMax === undefined ? '64 MiB' : `${writes.bytesMax} bytes`;
    return [[code(kind), most, needs]];
  });
  return table(['store', 'at most', ''], rows);
}

const START = {
  request: "a field of the request replaces the image's ENTRYPOINT",
  words:
    'the request has arguments only: the image has no ENTRYPOINT, or `bellhop run --` with `startedBy: image`',
  image: "no field: the image's ENTRYPOINT is `bellhop run --`",
} as const;

function section(target: Target): string[] {
  const { name, summary, features, caps, reserved, wants, stop, failure, start } = target;
  const { differs = [], gives = [] } = target;
  const wanted = Object.entries(wants).flatMap(([operation, fields]) => {
    return Object.entries(fields).map(([field, what]) => [code(`${operation}.${field}`), what]);
  });
  return [
    '',
    `## ${name}`,
    `${summary}.`,
    '',
    `- Start: ${START[start]}.`,
    `- Stop: ${stop}.`,
    ...(failure === undefined
      ? []
      : [
          `- A failed start writes ${code(failure.path)}; ${failure.charactersMax} characters of it are shown.`,
        ]),
    ...differs.map((one) => `- Differs: ${one}.`),
    '',
    ...table(
      ['', 'by', 'how'],
      FEATURES.map((one) => [NAMES[one], BY[features[one].by], features[one].how]),
    ),
    ...(wanted.length === 0 ? [] : ['', ...table(['needed', 'what it is'], wanted)]),
    ...(caps.length === 0
      ? []
      : ['', ...table(['cap', 'counts', 'at most', 'source', 'read'], caps.map(capRow))]),
    ...(gives.length === 0
      ? []
      : [
          '',
          ...table(
            ['variables that the platform gives', 'source'],
            gives.map(({ pattern, source, sure }) => [code(pattern), `${source} (${sure})`]),
          ),
        ]),
    ...(reserved.length === 0
      ? []
      : [
          '',
          ...table(
            ['names left to the entrypoint', 'why', 'source'],
            reserved.map(({ pattern, why, source }) => [code(pattern), why, source]),
          ),
        ]),
  ];
}

function capRow(cap: Cap): string[] {
  const at = code(cap.at === '' ? cap.operation : `${cap.operation}.${cap.at}`);
  const most = cap.kind === 'form' ? code(cap.pattern) : cap.max.toLocaleString('en');
  const least = cap.kind === 'limit' && cap.min !== undefined ? `, at least ${cap.min}` : '';
  return [at, countedText(cap), `${most}${least}`, `${cap.source} (${cap.sure})`, cap.readOn];
}
