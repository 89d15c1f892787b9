// `npm run bench -- pods candidates`: other ways in which a webhook could have values fetched
// before a program starts, beside the one that it takes. None of them is in the product.
import { ENV_VAR } from '../../src/wire/flyte-secret.ts';
import type { Contestant, Json, Made, Stage } from './pod-shapes.ts';
import { admitted, benchPod, CONTESTANTS, hookedPod } from './pod-shapes.ts';

const SECRETS = 10;

interface Handled {
  readonly spec: Json & { readonly initContainers: Json[]; readonly containers: Json[] };
  readonly metadata: Json;
}

/** The pod as the webhook leaves it, without its init container, and that container. */
async function taken(stage: Stage, made: Made): Promise<{ pod: Handled; pull: Json }> {
  const handled = await admitted(stage, hookedPod(stage, made, { count: SECRETS, as: ENV_VAR }));
  const { spec, metadata } = handled as unknown as Handled;
  const [pull = {}] = spec.initContainers;
  const { annotations, labels } = metadata;
  const own = { name: made.name, namespace: stage.plainNamespace, annotations, labels };
  const { initContainers: _, ...rest } = spec;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: own,
    spec: { ...rest, initContainers: [] },
  };
  return { pod: pod as unknown as Handled, pull };
}

/** It stays, and what it runs as a hook does the work: the kubelet waits for the hook. */
function byHook({ image }: Stage, pull: Json): Json {
  const { command, ...rest } = pull;
  return {
    ...rest,
    image,
    command: ['/usr/bin/busybox', 'sleep', '5'],
    lifecycle: { postStart: { exec: { command } } },
  };
}

const sidecar: Contestant = {
  name: `${SECRETS} variables, a sidecar whose postStart pulls`,
  pod: async (stage, made) => {
    const { pod, pull } = await taken(stage, made);
    const first = { ...byHook(stage, pull), restartPolicy: 'Always' };
    return { ...pod, spec: { ...pod.spec, initContainers: [first] } };
  },
};

const container: Contestant = {
  name: `${SECRETS} variables, a first container whose postStart pulls`,
  pod: async (stage, made) => {
    const { pod, pull } = await taken(stage, made);
    return {
      ...pod,
      spec: { ...pod.spec, containers: [byHook(stage, pull), ...pod.spec.containers] },
    };
  },
};

/** As if the image, or a volume of an image, brought bellhop: the container fetches by itself. */
const inside: Contestant = {
  name: `${SECRETS} variables, fetched in the program's container`,
  pod: async (stage, made) => {
    const env = Object.fromEntries(
      stage.secrets.slice(0, SECRETS).map(({ group, key }, n) => [`V${n}`, `sm:${group}:${key}`]),
    );
    const { stores } = stage.route.settings as { stores: object };
    const settings = JSON.stringify({ apiVersion: 'bellhop/v1', stores, env });
    const name = `settings-${made.name}`;
    const at = `/api/v1/namespaces/${stage.plainNamespace}/configmaps`;
    const { status, body } = await stage.api.call('POST', at, {
      metadata: { name },
      data: { 'bellhop.yaml': settings },
    });
    if (status !== 201) throw new Error(body);
    const run = ['/usr/bin/bellhop', 'run', '-c', '/settings/bellhop.yaml', '--'];
    const told = ['/usr/bin/busybox', 'nc', stage.gateway, `${made.port}`];
    return benchPod(
      stage,
      { ...made, namespace: stage.plainNamespace },
      {
        spec: { volumes: [{ name: 'settings', configMap: { name } }] },
        main: {
          command: [...run, ...told],
          volumeMounts: [{ name: 'settings', mountPath: '/settings' }],
        },
      },
    );
  },
};

/** Beside the pod without secrets, ours, and an init container that does nothing. */
export const CANDIDATES: readonly Contestant[] = [
  ...CONTESTANTS.filter(({ name }) => /^no secrets|variables|does nothing/.test(name)),
  sidecar,
  container,
  inside,
];
