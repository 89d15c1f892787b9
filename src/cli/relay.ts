import { BellhopError } from '../core/errors.ts';
import { renderWarning } from '../core/report.ts';
import type { Command } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';
import { VERSION } from './version.gen.ts';

const command: Command = {
  name: 'relay',
  summary: 'The relay of metrics and other ports by itself: a sidecar, or beside another init',
  usage: '-c bellhop.yaml [-f pod.yaml] [FLAGS]',
  about: [
    'Listens at what `metrics.relay` names, and sends on to the gateway, as `run` has it beside a',
    'program; here it is the process itself, in the foreground. What it cannot listen at ends it.',
    '',
    'SIGTERM, SIGINT, SIGHUP and SIGQUIT end it: what is left is sent, for at most 1 s, then its',
    'counts are told to the gateway, and its exit code is 0. With -f the tags {job}, {namespace} and',
    '{container} are those of the pod. The runtime is gone once it listens; 80 KiB of memory stay.',
  ].join('\n'),
  flags: DECLARE_FLAGS,
  wordsMax: 0,
  takesCommand: false,
  example: '$ bellhop relay -c bellhop.yaml',
  async run(io, given) {
    const options = declareOptions(given);
    needManifest(options);
    const { declare } = await import('../entrypoint/declare.ts');
    const { plan: declared, warnings } = await declare(io, options);
    // A tag without a value is left out: without a pod there is no job.
    const nobody = { ...declared.origin, name: '', namespace: '', container: '' };
    const plan = options.manifests.length > 0 ? declared : { ...declared, origin: nobody };
    for (const warning of warnings) io.stderr(renderWarning(warning, given.log));
    const { metrics } = plan;
    if (metrics?.relay === undefined) {
      const help = 'set `metrics: { statsd: HOST:PORT, relay: {} }` in bellhop.yaml';
      const what = 'is not set: there is nothing to relay';
      throw new BellhopError('BH_ERR_SETTINGS', { where: ['metrics.relay'], what, help });
    }
    const { relayAlone } = await import('./metrics.ts');
    const about = { plan, version: VERSION, log: given.log };
    return relayAlone(io, about, { ...metrics, relay: metrics.relay });
  },
};

export default command;
