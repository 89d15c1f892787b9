import type { RunOptions } from '../entrypoint/run.ts';
import { run } from '../entrypoint/run.ts';
import type { Io } from '../core/io/types.ts';
import type { Command } from './command.ts';
import { DECLARE_FLAGS, declareOptions } from './declare-flags.ts';
import type { Platform } from './platform.ts';
import { VERSION } from './version.gen.ts';

const command: Command = {
  name: 'run',
  summary: 'Deliver what the pod promises, then become its program',
  usage: '[-f pod.yaml] [-c bellhop.yaml] [FLAGS] [-- CMD…]',
  about: [
    "CMD replaces the pod's command and args; without it they are started as on Kubernetes.",
    'Without -f and --plan it looks at BELLHOP_PLAN, then /etc/bellhop/plan.json; with no plan at',
    'all, or where Kubernetes has delivered already, CMD is started at once (BELLHOP_REQUIRE=1',
    'makes that an error). Nothing is printed unless something is wrong.',
    '',
    'A plan may also be in a store: `--plan s3:bucket/plan.json`, or BELLHOP_PLAN as `bellhop submit`',
    'sets it, with the settings of the store in BELLHOP_PLAN_STORES (JSON, as in bellhop.yaml) and',
    'the digest in BELLHOP_PLAN_DIGEST. A path with a colon is written ./a:b.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    plan: {
      value: 'REF',
      help: 'a plan made by `bellhop plan`, instead of -f and -c: a file, or store:path',
    },
    verbose: { help: 'tell where this differs from Kubernetes' },
    trace: {
      value: 'FILE',
      help: 'write what the start spent its time on: .html or .json (BELLHOP_TRACE)',
    },
  },
  wordsMax: 0,
  takesCommand: true,
  example: '$ bellhop run -f app.yaml -- python train.py',
  async run(io, given) {
    const plan = given.text('plan');
    const trace = given.text('trace');
    const options: RunOptions = {
      ...declareOptions(given),
      ...(plan === undefined ? {} : { plan }),
      ...(given.commandAt === undefined ? {} : { commandAt: given.commandAt }),
      log: given.log,
      verbose: given.has('verbose'),
      ...(trace === undefined ? {} : { trace }),
      version: VERSION,
    };
    const words = wordsOf(io);
    let looking: Promise<Platform | undefined> | undefined;
    const platform = async (): Promise<Platform | undefined> => {
      const { detectPlatform } = await import('./platform.ts');
      looking ??= detectPlatform(io, words);
      return looking;
    };
    try {
      return await run(io, { ...options, platform });
    } catch (error) {
      const { tellPlatform } = await import('./platform.ts');
      await tellPlatform(io, words, error);
      throw error;
    }
  },
};

export default command;

/** What stands behind `run`, and behind `--`: the word of the platform, where it adds one. */
function wordsOf(io: Io): readonly string[] {
  const words = io.arrival.argv.slice(1).map((bytes) => Buffer.from(bytes).toString('utf8'));
  return words[0] === '--' ? words.slice(1) : words;
}
