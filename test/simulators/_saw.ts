// What tests of AWS's simulators share: a platform whose one image prints sections, and what it
// saw.
import type { AwsPlatform } from './_sagemaker.ts';
import * as legal from './_legal.ts';
import { environ, hostTools, look, looked, shellImage } from './_probe.ts';
import type { Outcome, Ran } from './_types.ts';

const SHELL = ['/bin/sh', '/probe.sh'];
export const WISH = { mounts: hostTools() };

/** The platform with one image, whose script prints these sections. */
export function showing(
  { yard, aws }: Pick<AwsPlatform, 'yard' | 'aws'>,
  sections: Readonly<Record<string, string>>,
  config: object = {},
): AwsPlatform {
  const image = shellImage(yard, { entrypoint: SHELL, ...config }, look(sections));
  return { yard, aws, images: { [legal.IMAGE]: image } };
}

/** The outcome of a job that ended; an error for others. */
export function outcomeOf(ran: Ran): Outcome {
  if (ran.kind !== 'ended') throw new Error(JSON.stringify(ran));
  return ran.outcome;
}

/** The sections that a `look` printed, the variables of PID 1, and the words behind the script. */
export function sawOf(ran: Ran) {
  const saw = looked(outcomeOf(ran).stdout);
  const args = (saw['args'] ?? '').split('\n').slice(2, -1);
  return { env: environ(saw['environ']), args, text: (name: string): string => saw[name] ?? '' };
}
