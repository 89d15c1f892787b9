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
    'With --root the program finds DIR as its root: in a mount namespace that ends with it (with a',
    'user namespace where we are not root), else by chroot. Where neither is allowed its files lie',
    'below DIR, and a warning says so. The input (-f, -c, --plan) is never looked for in DIR.',
    '',
    'A plan may also be in a store: `--plan s3:bucket/plan.json`, or BELLHOP_PLAN as `bellhop submit`',
    'sets it, with the settings of the store in BELLHOP_PLAN_STORES (JSON, as in bellhop.yaml) and',
    'the digest in BELLHOP_PLAN_DIGEST. A path with a colon is written ./a:b. What `bellhop adapt` put',
    'into the request of a run over a definition (BELLHOP_OVERRIDES, and the same beside it) counts',
    'over the plan.',
  ].join('\n'),
  flags: {
    ...DECLARE_FLAGS,
    plan: {
      value: 'REF',
      help: 'a plan made by `bellhop plan`, instead of -f and -c: a file, or store:path',
    },
    verbose: { help: 'tell where this differs from Kubernetes' },
    root: {
      value: 'DIR',
      help: "the program's root: a folder with the files of its image",
    },
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
    const root = given.text('root');
    const options: RunOptions = {
      ...declareOptions(given),
      ...(plan === undefined ? {} : { plan }),
      ...(given.commandAt === undefined ? {} : { commandAt: given.commandAt }),
      log: given.log,
      verbose: given.has('verbose'),
      ...(root === undefined ? {} : { root }),
      ...(trace === undefined ? {} : { trace }),
      version: VERSION,
      metrics: async (outside, about) => {
        const { openMetrics } = await import('./metrics.ts');
        return openMetrics(outside, about);
      },
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
