// Runs the pods of vectors on a real node, many at once, and takes down what each container saw,
// or who refused it and why.
import type { Group, Refused, Seen, Vector } from '../kubelet/vectors.ts';
import { containersOf, imageOf } from '../kubelet/vectors.ts';
import type { LiveApi } from './_live-api.ts';
import { inTurns } from './_live-api.ts';
import type { Admitted, ContainerStatus, Marks } from './_live-seen.ts';
import { asRecorded } from './_live-seen.ts';

/** What the pods run on. */
export interface LiveNode {
  readonly api: LiveApi;
  readonly marks: Marks;
  readonly nodeName: string;
  /** The name of an image with this configuration. */
  readonly imageFor: (image: Vector['image']) => string;
}

const CALLS_MAX = 16;
const POLL_MS = 250;
/** Without any change of any pod: a slow machine may take as long as it goes on. */
const STILL_MS_MAX = 150_000;
const LOG_TRIES_MAX = 20;
/** What keeps a container waiting for ever, as the kubelet calls it. */
const HELD =
  /^(CreateContainer(Config)?Error|RunContainerError|InvalidImageName|ErrImageNeverPull)$/;
const NOT_STARTED = /^(StartError|ContainerCannotRun|ContainerStatusUnknown)$/;
/** The kubelet is still asking; or the node is full, and the pod may come again. */
const NOT_YET = /failed to sync|not registered|services have not yet been read|i\/o timeout/;
const NODE_FULL = /^OutOf/;
const KINDS: Readonly<Record<string, string>> = {
  Secret: 'secrets',
  ConfigMap: 'configmaps',
  Service: 'services',
};

interface Event {
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly involvedObject: { readonly uid?: string };
}

/** Of a Status, as the API server answers where it refuses. */
function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { readonly message?: string }).message ?? body;
  } catch {
    return body;
  }
}

/** The pod as the recorder creates it: on this node, once, without delay at the end. */
function podFor(vector: Vector, { nodeName, imageFor }: LiveNode): object {
  const pod = structuredClone(vector.pod) as unknown as { spec: Record<string, unknown> };
  const own = { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, nodeName };
  Object.assign(pod.spec, own);
  for (const { container } of containersOf(pod as unknown as Vector['pod'])) {
    const image = imageFor(imageOf(vector, container.name));
    Object.assign(container, { image, imagePullPolicy: 'IfNotPresent' });
  }
  return pod;
}

type Created = { readonly uid: string } | { readonly refused: Refused };

async function create(node: LiveNode, vector: Vector): Promise<Created> {
  const namespace = `/api/v1/namespaces/${vector.pod.metadata.namespace}`;
  const refuse = (body: string): Created => ({
    refused: { by: 'api-server', message: messageOf(body) },
  });
  for (const object of vector.objects) {
    const at = `${namespace}/${KINDS[object.kind]}`;
    const { status, body } = await node.api.call('POST', at, object);
    if (status !== 201 && status !== 409) return refuse(body);
  }
  const { status, body } = await node.api.call('POST', `${namespace}/pods`, podFor(vector, node));
  if (status !== 201) return refuse(body);
  return { uid: (JSON.parse(body) as Admitted).metadata.uid };
}

const states = ({ status }: Admitted): ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
];

type Fate = 'waits' | 'ended' | 'again' | { readonly refused: Refused };

/** A container that the kubelet holds, or that the runtime could not start. */
function stoppedBy({ name, state }: ContainerStatus): Refused | undefined {
  const { reason = '', message = '' } = state.waiting ?? {};
  if (HELD.test(reason) && !NOT_YET.test(message)) {
    return { by: 'kubelet', container: name, message: `${reason}: ${message}` };
  }
  const ended = state.terminated;
  if (!NOT_STARTED.test(ended?.reason ?? '')) return undefined;
  return { by: 'runtime', container: name, message: ended?.message ?? '' };
}

/** What the kubelet could not do for the pod as a whole; what it says first may be but a delay. */
function warningOf({ metadata }: Admitted, events: readonly Event[]): Refused | undefined {
  const warning = events.find((event) => {
    const isOurs = event.involvedObject.uid === metadata.uid && event.type === 'Warning';
    const isEnd = /^(FailedMount|FailedCreatePodSandBox)$/.test(event.reason);
    return isOurs && isEnd && !NOT_YET.test(event.message);
  });
  if (warning === undefined) return undefined;
  return { by: 'kubelet', message: `${warning.reason}: ${warning.message}` };
}

/** What has become of a pod so far. */
function fateOf(pod: Admitted, events: readonly Event[]): Fate {
  const [stopped] = states(pod).flatMap((one) => stoppedBy(one) ?? []);
  if (stopped !== undefined) return { refused: stopped };
  const { phase, reason, message = '' } = pod.status;
  if (phase === 'Failed' && reason !== undefined) {
    if (NODE_FULL.test(reason)) return 'again';
    return { refused: { by: 'kubelet', message: `${reason}: ${message}` } };
  }
  if (phase === 'Succeeded' || phase === 'Failed') return 'ended';
  const refused = warningOf(pod, events);
  return refused === undefined ? 'waits' : { refused };
}

/** What the probe of a container has printed; text where it printed something else. */
async function logOf(api: LiveApi, pod: string, container: string): Promise<Seen | string> {
  let body = '';
  for (let n = 0; n < LOG_TRIES_MAX; n++) {
    ({ body } = await api.call('GET', `${pod}/log?container=${container}`));
    if (body.startsWith('{"probe":1,') && body.endsWith('}\n')) return JSON.parse(body) as Seen;
    if (body !== '' && !body.startsWith('{"probe":1,')) return body;
    await Bun.sleep(POLL_MS);
  }
  return body;
}

async function seenBy({ node, logs }: Work, vector: Vector, pod: Admitted): Promise<Vector> {
  const snapshot: Partial<Record<Group, Record<string, Seen>>> = {};
  const at = `/api/v1/namespaces/${vector.pod.metadata.namespace}/pods/${pod.metadata.name}`;
  const own = new Set(containersOf(vector.pod).map(({ container }) => container.name));
  const added = states(pod).find(({ name, state }) => {
    return !own.has(name) && (state.terminated?.exitCode ?? 0) !== 0;
  });
  if (added !== undefined) {
    const { body } = await node.api.call('GET', `${at}/log?container=${added.name}`);
    return { ...vector, refused: { by: 'init', message: `${added.name}: ${body}` } };
  }
  for (const { group, container } of containersOf(vector.pod)) {
    if (logs !== undefined) {
      const { body } = await node.api.call('GET', `${at}/log?container=${container.name}`);
      logs.set(`${vector.id} ${container.name}`, body);
      continue;
    }
    const found = await logOf(node.api, at, container.name);
    if (typeof found === 'string') {
      const code = states(pod).find(({ name }) => name === container.name)?.state.terminated;
      const message = `exit ${code?.exitCode}: ${found.trim()}`;
      return { ...vector, refused: { by: 'kernel', container: container.name, message } };
    }
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const admitted = all.find(({ name }) => name === container.name) ?? container;
    const marks = node.marks;
    const seen = asRecorded(found, { admitted: pod, container: admitted, marks });
    snapshot[group] = { ...snapshot[group], [container.name]: seen };
  }
  if (logs === undefined) return { ...vector, snapshot };
  const { podIP = '', hostIP = '' } = pod.status;
  const clusterValues = { '<POD_UID>': pod.metadata.uid, '<POD_IP>': podIP, '<HOST_IP>': hostIP };
  return { ...vector, clusterValues };
}

interface Work {
  readonly node: LiveNode;
  readonly logs: Map<string, string> | undefined;
}

interface Waiting {
  readonly index: number;
  readonly vector: Vector;
  uid: string;
}

/**
 * Runs all of them at once, in one namespace; gives the vectors with what was seen. With `logs`
 * programs print what they like, and it is put there as `ID CONTAINER`.
 */
export async function recordAll(
  node: LiveNode,
  vectors: readonly Vector[],
  logs?: Map<string, string>,
): Promise<Vector[]> {
  const out: Vector[] = [];
  const waiting = new Map<string, Waiting>();
  const begin = async (vector: Vector, index: number): Promise<void> => {
    const created = await create(node, vector);
    if ('refused' in created) out[index] = { ...vector, refused: created.refused };
    else waiting.set(vector.pod.metadata.name, { index, vector, uid: created.uid });
  };
  await inTurns([...vectors.entries()], CALLS_MAX, ([index, vector]) => begin(vector, index));
  const namespace = `/api/v1/namespaces/${vectors[0]?.pod.metadata.namespace}`;
  const remove = async (name: string): Promise<void> => {
    await node.api.call('DELETE', `${namespace}/pods/${name}?gracePeriodSeconds=0`);
  };
  const decide = async (pod: Admitted, events: readonly Event[]): Promise<void> => {
    const one = waiting.get(pod.metadata.name);
    if (one === undefined || one.uid !== pod.metadata.uid) return;
    const fate = fateOf(pod, events);
    if (fate === 'waits') return;
    waiting.delete(pod.metadata.name);
    if (fate === 'ended') out[one.index] = await seenBy({ node, logs }, one.vector, pod);
    else if (fate !== 'again') out[one.index] = { ...one.vector, refused: fate.refused };
    await remove(pod.metadata.name);
    if (fate === 'again') await begin(one.vector, one.index);
  };
  let state = '';
  let changed = performance.now();
  while (waiting.size > 0) {
    if (performance.now() > changed + STILL_MS_MAX) {
      throw new Error(`no change in ${STILL_MS_MAX} ms: ${[...waiting.keys()].join(', ')}`);
    }
    await Bun.sleep(POLL_MS);
    const pods = (await node.api.get(`${namespace}/pods`)) as { items: Admitted[] };
    const now = pods.items.map(({ metadata }) => metadata.resourceVersion).join();
    if (now !== state) changed = performance.now();
    state = now;
    const events = (await node.api.get(`${namespace}/events`)) as { items: Event[] };
    await inTurns(pods.items, CALLS_MAX, (pod) => decide(pod, events.items));
  }
  return out;
}
