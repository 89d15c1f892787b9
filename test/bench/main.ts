// `npm run bench [run]`: what a start costs, as one interleaved run. Prints a table and writes
// bench/results/NAME.json with the machine named.
import { bench as run } from './run.ts';

const suites: Readonly<Record<string, () => Promise<void>>> = { run };
const [name = 'run'] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined) {
  console.error(`there is no bench ${name} (there are ${Object.keys(suites).join(', ')})`);
  process.exit(64);
}
await suite();
