// The pods of `npm run bench -- pods`: one program, which gets its secrets in different ways.
import { ENV_VAR, FILE } from '../../src/wire/flyte-secret.ts';
import type { LiveApi } from '../cluster/_live-api.ts';
import type { Kept, Route } from '../cluster/_routes-world.ts';
import { annotationsOf } from '../support/flyte-annotations.ts';

export type Json = Record<string, unknown>;

/** What pods are made of. */
export interface Stage {
  readonly route: Route;
  readonly api: LiveApi;
  /** Where no webhook looks at pods. */
  readonly plainNamespace: string;
  readonly secrets: readonly Kept[];
  /** Has bellhop, the probe and a shell. */
  readonly image: string;
  readonly gateway: string;
}

/** Which pod, and whom its program tells that it runs. */
export interface Made {
  readonly name: string;
  readonly port: number;
}

export interface Contestant {
  readonly name: string;
  /** The pod as it is created, with its namespace. */
  readonly pod: (stage: Stage, made: Made) => Promise<Json>;
}

const BUSYBOX = '/usr/bin/busybox';
const SECRETS_DIR = '/etc/flyte/secrets';
/** What all pods share; the candidates use it too. */
export const KEYS_SECRET = 'bench-keys';

const image = ({ image: name }: Stage): Json => ({ image: name, imagePullPolicy: 'Never' });

/** A pod with these annotations and this more of a spec. */
export function benchPod(
  stage: Stage,
  made: Made & { readonly namespace: string },
  { annotations = {}, spec = {}, main = {} }: { annotations?: Json; spec?: Json; main?: Json },
): Json {
  const { name, port, namespace } = made;
  const { volumes = [], ...rest } = spec as { volumes?: readonly Json[] };
  const { volumeMounts = [], ...own } = main as { volumeMounts?: readonly Json[] };
  const program = {
    name: 'main',
    ...image(stage),
    command: [BUSYBOX, 'nc', stage.gateway, `${port}`],
    env: stage.route.credentials,
    // As nearly every pod has one: the kubelet waits 300 ms for volumes, whichever they are.
    volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }, ...volumeMounts],
    ...own,
  };
  const labels = { 'inject-flyte-secrets': 'true' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations },
    spec: {
      nodeName: 'localhost',
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'scratch', emptyDir: {} }, ...volumes],
      containers: [program],
      ...rest,
    },
  };
}

function asked(secrets: readonly Kept[], as: number): Json {
  return annotationsOf(secrets.map(({ group, key }) => ({ group, key, mountRequirement: as })));
}

/** A pod as the webhook leaves it; it is not created. */
export async function admitted(stage: Stage, pod: Json): Promise<Json> {
  const at = `/api/v1/namespaces/${stage.route.live.namespace}/pods?dryRun=All`;
  const { status, body } = await stage.api.call('POST', at, pod);
  if (status !== 201) throw new Error(body);
  return JSON.parse(body) as Json;
}

/** A pod for the namespace of the webhook, which adds what it adds when it is created. */
export function hookedPod(
  stage: Stage,
  made: Made,
  { count, as = FILE }: { readonly count: number; readonly as?: number },
): Json {
  const annotations = asked(stage.secrets.slice(0, count), as);
  return benchPod(stage, { ...made, namespace: stage.route.live.namespace }, { annotations });
}

const plain = (stage: Stage, made: Made) => ({ ...made, namespace: stage.plainNamespace });

const none: Contestant = {
  name: 'no secrets',
  pod: async (stage, made) => benchPod(stage, plain(stage, made), {}),
};

function ofKubernetes(count: number): Contestant {
  return {
    name: `${count} of a Kubernetes Secret, files`,
    pod: async (stage, made) => {
      const items = stage.secrets.slice(0, count).map(({ key }) => ({ key, path: key }));
      const secret = { secretName: KEYS_SECRET, items };
      return benchPod(stage, plain(stage, made), {
        spec: { volumes: [{ name: 'keys', secret }] },
        main: { volumeMounts: [{ name: 'keys', mountPath: SECRETS_DIR }] },
      });
    },
  };
}

function ours(count: number, as = FILE): Contestant {
  const what = as === FILE ? 'files' : 'variables';
  return {
    name: `${count} of AWS, bellhop, ${what}`,
    pod: async (stage, made) => hookedPod(stage, made, { count, as }),
  };
}

/** Names of ConfigMaps with one plan a secret, made once. */
export const PLANS = 'bench-plans';

/** The plan of each secret alone, as the webhook writes it. */
export async function plansOf(stage: Stage): Promise<Readonly<Record<string, string>>> {
  const plans: Record<string, string> = {};
  for (const [index, secret] of stage.secrets.entries()) {
    const made = { name: `plan-${index}`, port: 1 };
    const alone = hookedPod({ ...stage, secrets: [secret] }, made, { count: 1 });
    const { metadata } = (await admitted(stage, alone)) as {
      metadata: { annotations: Record<string, string> };
    };
    plans[`${index}.json`] = metadata.annotations['bellhop/plan'] ?? '';
  }
  return plans;
}

/** As Flyte's webhook does it: an init container a secret, each fetches one. */
function ofEach(count: number): Contestant {
  return {
    name: `${count} of AWS, an init container each`,
    pod: async (stage, made) => {
      const volumeMounts = [
        { name: 'secrets', mountPath: SECRETS_DIR },
        { name: 'plans', mountPath: '/plans' },
      ];
      const initContainers = stage.secrets.slice(0, count).map((_, index) => ({
        name: `pull-${index}`,
        ...image(stage),
        command: ['/usr/bin/bellhop', 'pull', '--plan', `/plans/${index}.json`],
        env: stage.route.credentials,
        volumeMounts,
      }));
      const volumes = [
        { name: 'secrets', emptyDir: { medium: 'Memory' } },
        { name: 'plans', configMap: { name: PLANS } },
      ];
      return benchPod(stage, plain(stage, made), {
        spec: { initContainers, volumes },
        main: { volumeMounts: [{ name: 'secrets', mountPath: SECRETS_DIR, readOnly: true }] },
      });
    },
  };
}

const nothing: Contestant = {
  name: 'an init container that does nothing',
  pod: async (stage, made) => {
    const first = { name: 'first', ...image(stage), command: [BUSYBOX, 'true'] };
    return benchPod(stage, plain(stage, made), { spec: { initContainers: [first] } });
  },
};

const COUNTS = [1, 10, 30];

/** The first is what the others are compared with. */
export const CONTESTANTS: readonly Contestant[] = [
  none,
  ...COUNTS.map(ofKubernetes),
  ...COUNTS.map((count) => ours(count)),
  ours(10, ENV_VAR),
  nothing,
  ...COUNTS.map(ofEach),
];
