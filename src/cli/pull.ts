import { BellhopError } from '../core/errors.ts';
import { readPlanFile } from '../entrypoint/plan-file.ts';
import { pull } from '../entrypoint/pull.ts';
import type { Command } from './command.ts';

const command: Command = {
  name: 'pull',
  summary: 'Fetch all files of a plan into a volume in memory, and end: an init container',
  usage: '--plan FILE',
  about: [
    'Writes the files that the plan has at paths of their own, all of them or none, and nothing else:',
    'no variables, no volumes, no program is started. The webhook puts it in front of a pod whose',
    'secrets come from other stores than Kubernetes.',
  ].join('\n'),
  flags: { plan: { value: 'FILE', help: 'a plan made by `bellhop plan`, or by the webhook' } },
  wordsMax: 0,
  takesCommand: false,
  example: '$ bellhop pull --plan /bellhop/plan.json',
  async run(io, given) {
    const path = given.text('plan');
    if (path === undefined) {
      throw new BellhopError('BH_ERR_USAGE', { where: ['--plan'], what: 'is needed' });
    }
    const { plan } = await readPlanFile(io, { path, digest: undefined }, []);
    await pull(io, plan, given.log);
    return 0;
  },
};

export default command;
