// `npm run bench [run | stores | submit | webhook | pods]`: what things cost, as interleaved runs.
// Prints a table and writes bench/results/NAME.json with the machine named.
import { bench as pods } from './pods.ts';
import { bench as run } from './run.ts';
import { bench as stores } from './stores.ts';
import { bench as submit } from './submit.ts';
import { bench as webhook } from './webhook.ts';

const suites: Readonly<Record<string, (only?: string) => Promise<void>>> = {
  run,
  stores,
  submit,
  webhook,
  pods,
};
const [name = 'run', only] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined) {
  console.error(`there is no bench ${name} (there are ${Object.keys(suites).join(', ')})`);
  process.exit(64);
}
await suite(only);
