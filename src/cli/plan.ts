import { renderWarning } from '../core/report.ts';
import { declare } from '../entrypoint/declare.ts';
import { printPlan } from '../plan/document.ts';
import type { Command } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';

const command: Command = {
  name: 'plan',
  summary: 'Print the plan: what must appear where, from which store, and never a value',
  usage: '-f pod.yaml [-c bellhop.yaml] [FLAGS]',
  about: [
    'The plan is canonical JSON (RFC 8785) with a SHA-256 digest. `bellhop run --plan FILE` delivers',
    'the same as `bellhop run -f`. Secrets and ConfigMaps of the input are referred to, not copied:',
    'a plan with `embedded:` references needs the manifest beside it (`run --plan FILE -f FILE`).',
  ].join('\n'),
  flags: DECLARE_FLAGS,
  wordsMax: 0,
  takesCommand: false,
  example: '$ bellhop plan -f app.yaml -c bellhop.yaml > plan.json\n$ bellhop run --plan plan.json',
  async run(io, given) {
    const options = declareOptions(given);
    needManifest(options);
    const { plan, warnings } = await declare(io, options);
    for (const warning of warnings) io.stderr(renderWarning(warning, given.log));
    io.stdout(printPlan(plan));
    return 0;
  },
};

export default command;
