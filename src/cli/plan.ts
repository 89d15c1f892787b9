import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { renderWarning } from '../core/report.ts';
import { declare } from '../entrypoint/declare.ts';
import { printPlan } from '../plan/document.ts';
import type { Plan } from '../plan/types.ts';
import type { Command, Given } from './command.ts';
import { DECLARE_FLAGS, declareOptions, needManifest } from './declare-flags.ts';

const command: Command = {
  name: 'plan',
  summary: 'Print the plan: what must appear where, from which store, and never a value',
  usage: '-f pod.yaml [-c bellhop.yaml] [FLAGS]',
  about: [
    'The plan is canonical JSON (RFC 8785) with a SHA-256 digest. `bellhop run --plan FILE` delivers',
    'the same as `bellhop run -f`. Secrets and ConfigMaps of the input are referred to, not copied:',
    'a plan with `embedded:` references needs the manifest beside it (`run --plan FILE -f FILE`).',
    '',
    'With -o iam it prints the least rights that a start by this plan needs, one document a system',
    '(IAM policy, Vault policy, roles), fallbacks, credentials and the last good copy included.',
    'No store is asked. -o iam-json is one JSON object: aws, vault, google, azure, kubernetes, other.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    output: { short: 'o', value: 'FORMAT', help: 'json, iam or iam-json (default: json)' },
  },
  wordsMax: 0,
  takesCommand: false,
  example: '$ bellhop plan -f app.yaml -c bellhop.yaml > plan.json\n$ bellhop run --plan plan.json',
  async run(io, given) {
    const format = given.text('output') ?? 'json';
    if (!FORMATS.includes(format)) {
      const what = 'is json, iam or iam-json';
      throw new BellhopError('BH_ERR_USAGE', { where: ['--output'], what });
    }
    const options = declareOptions(given);
    needManifest(options);
    const { plan, warnings } = await declare(io, options);
    for (const warning of warnings) io.stderr(renderWarning(warning, given.log));
    if (format === 'json') io.stdout(printPlan(plan));
    else await printRights(io, plan, { given, asJson: format === 'iam-json' });
    return 0;
  },
};

export default command;

const FORMATS: readonly string[] = ['json', 'iam', 'iam-json'];

async function printRights(
  io: Io,
  plan: Plan,
  { given, asJson }: { readonly given: Given; readonly asJson: boolean },
): Promise<void> {
  const { rightsOf } = await import('../entrypoint/rights.ts');
  const { rightsDocuments, rightsText, wideParts } = await import('./rights-text.ts');
  const documents = rightsDocuments(await rightsOf(plan), `bellhop-${plan.origin.name}`);
  const wide = wideParts(documents);
  if (wide !== undefined) io.stderr(renderWarning(wide, given.log));
  io.stdout(asJson ? `${JSON.stringify(documents, undefined, 2)}\n` : rightsText(documents));
}
