// Variables computed from placements, as the tests of the environment write them.
import { Sealed } from '../../src/core/sealed.ts';
import type { Environment } from '../../src/entrypoint/environment.ts';
import { computeEnvironment } from '../../src/entrypoint/environment.ts';
import type { Answers, Given as Told } from '../../src/entrypoint/answers.ts';
import { answerKey } from '../../src/entrypoint/answers.ts';
import { boundsOf } from '../../src/plan/bounds.ts';
import { DEFAULT_POLICY } from '../../src/plan/types.ts';
import type { Layer, Placement, Plan, Source } from '../../src/plan/types.ts';
import type { Answer } from '../../src/stores/_store.ts';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface Given {
  readonly placements: readonly Placement[];
  readonly objects?: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;
  readonly inherited?: Readonly<Record<string, string>>;
  readonly nonUtf8Env?: 'replace' | 'bytes';
}

export function compute({
  placements,
  objects = {},
  inherited = {},
  nonUtf8Env = 'replace',
}: Given): Environment {
  const known = new Map(
    Object.entries(objects).map(([path, entries]): [string, Told] => {
      const sealed = Object.entries(entries).map(
        ([key, bytes]) => [key, new Sealed(bytes)] as const,
      );
      const reference = { store: 'v', path };
      const answer: Answer = { kind: 'map', entries: new Map(sealed) };
      return [answerKey({ reference, called: '' }), { answer, level: 0 }];
    }),
  );
  const answers = withAbsent(known, placements);
  const plan = { placements, policy: { ...DEFAULT_POLICY, nonUtf8Env } } as unknown as Plan;
  return computeEnvironment({
    plan,
    answers,
    inherited: new Map(Object.entries(inherited)),
    nowMs: 0,
  });
}

/** What the store was asked for and does not have is absent: it said so. */
export function withAbsent(known: Answers, placements: readonly Placement[]): Answers {
  const answers = new Map(known);
  for (const { bound } of boundsOf(placements)) {
    const asked = answerKey(bound);
    const answer: Answer = { kind: 'absent', what: 'there is none' };
    if (!answers.has(asked)) answers.set(asked, { answer, level: 0 });
  }
  return answers;
}

export const variable = (layer: Layer, name: string, source: Source): Placement => ({
  kind: 'variable',
  layer,
  name,
  source,
  rule: `${layer} ${name}`,
});
export const template = (name: string, text: string): Placement =>
  variable('env', name, { kind: 'template', text });
export const literal = (layer: Layer, name: string, text: string): Placement =>
  variable(layer, name, { kind: 'text', text, of: 'x' });
export const key = (path: string, member: string, more: { optional?: true } = {}): Source => ({
  kind: 'value',
  bound: {
    reference: { store: 'v', path },
    member,
    called: `secret ${path}, key ${member}`,
    ...more,
  },
});
export const all = (path: string, prefix = '', more: { optional?: true } = {}): Placement => ({
  kind: 'variables',
  layer: 'envFrom',
  prefix,
  bound: { reference: { store: 'v', path }, called: `secret ${path}`, ...more },
  rule: `envFrom ${prefix}${path}`,
});
