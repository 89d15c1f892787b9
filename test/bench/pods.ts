// `npm run bench -- pods`: how long a pod takes to its program, on a real node, with secrets of a
// Vault beside it. Nothing is pulled from a registry; one pod at a time, contestants in turn. The
// kubelet looks once a second which containers have ended, so pods begin at all parts of a second.
import net from 'node:net';
import { ENV_VAR, FILE, encodeSecret } from '../../src/wire/flyte-secret.ts';
import type { VaultWorld } from '../cluster/_vault-world.ts';
import { openVaultWorld } from '../cluster/_vault-world.ts';
import { keepResults, machine } from './measure.ts';

const ROUNDS = 6;
/** Parts of a second that are spread evenly, however many rounds there are. */
const GOLDEN = 0.618;
const POD_MS_MAX = 60_000;
const BUSYBOX = 'bellhop.test/busybox:1';

interface Contestant {
  readonly name: string;
  /** Secrets of the Vault, and how they are wanted. */
  readonly secrets: number;
  readonly as: number;
  /** Init containers that do nothing, as many as Flyte's webhook would add to fetch. */
  readonly initContainers: number;
}

const CONTESTANTS: readonly Contestant[] = [
  { name: 'no secrets', secrets: 0, as: FILE, initContainers: 0 },
  { name: '1 file', secrets: 1, as: FILE, initContainers: 0 },
  { name: '10 files', secrets: 10, as: FILE, initContainers: 0 },
  { name: '50 files', secrets: 50, as: FILE, initContainers: 0 },
  { name: '10 variables', secrets: 10, as: ENV_VAR, initContainers: 0 },
  { name: '1 init container that does nothing', secrets: 0, as: FILE, initContainers: 1 },
  { name: '10 init containers that do nothing', secrets: 0, as: FILE, initContainers: 10 },
];

/** Milliseconds from the request that creates the pod to the first act of its program. */
async function timeToMain(world: VaultWorld, one: Contestant, round: number): Promise<number> {
  const { promise: started, resolve } = Promise.withResolvers<number>();
  const server = net.createServer((socket) => {
    resolve(performance.now());
    socket.end();
  });
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as net.AddressInfo;
  const name = `bench-${CONTESTANTS.indexOf(one)}-${round + 1}`;
  const { pod } = world.handled('Vault', podOf(world, one, { name, port }));
  await Bun.sleep(((round + 1) * GOLDEN * 1000) % 1000);
  const from = performance.now();
  const said = await world.cluster.kubectl(['create', '-f', '-'], pod);
  if (!said.ok) throw new Error(said.err);
  const late = Bun.sleep(POD_MS_MAX).then(() => Number.NaN);
  const at = await Promise.race([started, late]);
  server.close();
  if (Number.isNaN(at)) throw new Error(`${name} did not start in ${POD_MS_MAX} ms`);
  await world.cluster.kubectl(['-n', world.namespace, 'delete', 'pod', name, '--wait=true']);
  return at - from;
}

function podOf(
  world: VaultWorld,
  { secrets, as, initContainers }: Contestant,
  { name, port }: { readonly name: string; readonly port: number },
) {
  const annotations = Array.from({ length: secrets }, (_, n) => {
    const secret = { group: 'secret/bench', groupVersion: '', key: `k${n}`, envVar: '' };
    return [`flyte.secrets/s${n}`, encodeSecret({ ...secret, mountRequirement: as })];
  });
  const image = { image: BUSYBOX, imagePullPolicy: 'Never' };
  // As nearly every pod has one: the kubelet waits 300 ms for volumes, whichever they are.
  const volumeMounts = [{ name: 'scratch', mountPath: '/scratch' }];
  const before = Array.from({ length: initContainers }, (_, n) => {
    return { name: `init-${n}`, ...image, command: ['true'] };
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: world.namespace,
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: Object.fromEntries(annotations) as Readonly<Record<string, string>>,
    },
    spec: {
      nodeName: world.cluster.env['NODE_NAME'],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      initContainers: before,
      volumes: [{ name: 'scratch', emptyDir: {} }],
      containers: [
        {
          name: 'main',
          ...image,
          command: ['nc', world.gateway, `${port}`],
          env: [world.token],
          volumeMounts,
        },
      ],
    },
  };
}

/** Prints what secrets add to the start of a pod, and keeps it. */
export async function bench(): Promise<void> {
  const world = await openVaultWorld();
  if (world === undefined) throw new Error('this bench wants a node and a Vault: see above');
  try {
    const data = Array.from({ length: 50 }, (_, n) => [`k${n}`, `value-${n}`]);
    await world.put('bench', Object.fromEntries(data) as Record<string, string>);
    const samples = CONTESTANTS.map((): number[] => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, one] of CONTESTANTS.entries()) {
        const ms = await timeToMain(world, one, round);
        if (round >= 0) samples[index]?.push(ms);
      }
    }
    report(samples);
  } finally {
    await world.close();
  }
}

function report(samples: readonly (readonly number[])[]): void {
  const rows = CONTESTANTS.map(({ name }, index) => {
    const sorted = (samples[index] ?? []).toSorted((a, b) => a - b);
    const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
    return { name, minMs: sorted[0] ?? 0, medianMs: sorted[sorted.length >> 1] ?? 0, meanMs };
  });
  const [base] = rows;
  console.log(`${machine()}; ${ROUNDS} interleaved rounds\n`);
  console.log(`${'time to the program, ms'.padEnd(38)}   min  median    mean   added`);
  for (const { name, minMs, medianMs, meanMs } of rows) {
    const cells = [minMs, medianMs, meanMs, meanMs - (base?.meanMs ?? 0)];
    console.log(`${name.padEnd(38)}${cells.map((ms) => ms.toFixed(0).padStart(7)).join('')}`);
  }
  keepResults('pods', { rounds: ROUNDS, rows });
}
