import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { variablesOf } from '../entrypoint/platform.ts';
import { fileKeyRefProblem } from '../webhook/file-key-ref.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import { openKubernetesApi } from '../webhook/kubernetes-api.ts';
import { addCertificateFigures } from '../webhook/certificates-figures.ts';
import type { Log } from '../webhook/log.ts';
import { openLog } from '../webhook/log.ts';
import { openMetrics } from '../webhook/metrics.ts';
import type { ServerSettings } from '../webhook/server.ts';
import { SERVER_DEFAULTS, startServer } from '../webhook/server.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import type { Command } from './command.ts';
import { openCertificates } from './webhook-certificates.ts';
import { openFaultNet } from './webhook-faults.ts';
import { invalidationPort } from './webhook-invalidation.ts';
import { webhookParts } from './webhook-parts.ts';
import { checkRegistryFiles } from './webhook-registry.ts';
import { keepsValues } from './webhook-values.ts';

const command: Command = {
  name: 'webhook',
  summary: "The admission webhook that gives pods the secrets that Flyte's tasks ask for",
  usage: '[-c bellhop.yaml] [FLAGS]',
  about: [
    "Takes the place of Flyte's: the same annotations, labels and section `webhook:`, the same",
    'answers. Serves HTTPS, and health and metrics on another port; makes and renews its own',
    'certificates, or reads files; ends gracefully at SIGTERM. Logs one JSON object a line to stderr.',
  ].join('\n'),
  flags: {
    config: { short: 'c', value: 'FILE', help: 'bellhop.yaml: webhook, flyteSecrets, stores' },
    'no-cluster': { help: 'ask no API server: certificates are files, no Events' },
  },
  wordsMax: 0,
  takesCommand: false,
  example: '$ bellhop webhook -c /etc/bellhop/bellhop.yaml',
  async run(io, given) {
    const api = given.has('no-cluster') ? undefined : await clusterOf(io);
    const parts = await webhookParts(io, given.text('config'), api);
    const { settings, mutate, cache, otherCaches, values, warnings } = parts;
    const caches = new Map([['embedded', cache], ...otherCaches]);
    if (api === undefined) mustNotNeedCluster(settings);
    checkRegistryFiles({ io, settings });
    if (api !== undefined && settings.pull.variables === 'fileKeyRef') {
      const problem = await fileKeyRefProblem(api);
      if (problem !== undefined) throw problem;
    }
    const { clock } = io;
    const log = openLog({ level: settings.logLevel, clock, write: (text) => io.stderr(text) });
    const net = openFaultNet(io, log);
    for (const warning of warnings) log.say('warn', warning);
    const tell = tellBy(log);
    const metrics = openMetrics();
    const invalidation = invalidationPort({ io, settings, api, cache, log, metrics });
    const certificates = await openCertificates({ io, settings, tell, api });
    addCertificateFigures(metrics, certificates.status);
    const server = await startServer({
      settings: serverSettings(settings),
      mutate,
      certificates: certificates.source,
      clock,
      log,
      metrics,
      notReady: certificates.notReady,
      cacheBytes: () => [...caches.values()].reduce((sum, one) => sum + one.bytes(), 0),
      ...(api === undefined ? {} : { events: api }),
      ...(invalidation === undefined ? {} : { invalidation }),
    });
    values.watch((result) => server.figures.valueSecret([result]));
    const collector = values.collector(tell, (count) => {
      server.figures.valueSecret(['collected'], count);
    });
    collector?.start();
    for (const [name, one] of caches) {
      one.watch((result) => server.figures.cacheRead([name, result]));
    }
    const { reviewsPort: port, statusPort } = server;
    log.say('info', 'serving', { port, statusPort, invalidationPort: server.invalidationPort });
    const stopSignals = io.onEndSignal(() => server.end());
    net.endBy(() => server.end());
    await server.ended;
    stopSignals();
    await Promise.all([certificates.stop(), collector?.stop()]);
    log.flush();
    net.stop();
    return net.exitCode();
  },
};

export default command;

function mustNotNeedCluster(settings: WebhookSettings): void {
  const refuse = (setting: string, what: string): never => {
    throw new BellhopError('BH_ERR_USAGE', { where: [setting], what });
  };
  if (settings.missing === 'deny') {
    refuse('webhook.missing: deny', 'needs the cluster, to look Secrets up');
  }
  if (keepsValues(settings)) refuse('webhook.valueSecrets', 'needs the cluster, to make Secrets');
  if (settings.registry.pullSecrets) {
    refuse('webhook.registry.pullSecrets', "needs the cluster, to read the pods' own Secrets");
  }
}

function serverSettings({ registration, ...settings }: WebhookSettings): ServerSettings {
  return {
    ...SERVER_DEFAULTS,
    reviews: { ...SERVER_DEFAULTS.reviews, port: settings.listenPort },
    status: { ...SERVER_DEFAULTS.status, port: settings.statusPort },
    // An answer that comes after the API server has given up is of no use.
    answerMsMax: registration.timeoutSeconds * 1000 - SERVER_DEFAULTS.answerMarginMs,
    enableHttp2: settings.enableHTTP2,
    drainMs: settings.drainMs,
  };
}

/** The cluster that we run in, or that a kubeconfig names. */
async function clusterOf(io: Io): Promise<KubernetesApi> {
  const variables = variablesOf(io);
  return openKubernetesApi({ io, variable: (name) => variables.get(name) || undefined });
}

function tellBy(log: Log): Parameters<typeof openCertificates>[0]['tell'] {
  return (level, what, facts) => log.say(level, what, facts);
}
