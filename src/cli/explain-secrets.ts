// What secret managers said of a pod's secrets, for people and as data. Never a value.
import type { Outcome, WrongAnnotation } from '../webhook/asking.ts';
import { shorter } from '../webhook/asking.ts';
import { mountName } from '../wire/flyte-secret.ts';
import type { Look } from './look.ts';
import { titled } from './look.ts';

/** What the managers have said, each in its turn. */
export interface Answers {
  readonly profile: string;
  /** In the order in which they are asked. */
  readonly managers: readonly string[];
  readonly outcomes: readonly (Outcome | WrongAnnotation)[];
}

/** What one manager said of one secret. */
export interface ExplainedAnswer {
  readonly manager: string;
  readonly answer: 'delivers' | 'does not' | 'would, later' | 'not asked';
  readonly why?: string;
}

/** A secret, and who delivers it. */
export interface ExplainedSecret {
  readonly annotation: string;
  /** Why the annotation is no secret; then nobody was asked. */
  readonly wrong?: string;
  /** As the annotation has it, without what is empty. */
  readonly secret?: Readonly<Record<string, string>>;
  readonly by?: string;
  readonly asked: readonly ExplainedAnswer[];
}

export function explainSecrets({ managers, outcomes }: Answers): readonly ExplainedSecret[] {
  return outcomes.map((one) => {
    const { annotation } = one;
    if ('wrong' in one) return { annotation, wrong: one.wrong, asked: [] };
    const { group, groupVersion, key, mountRequirement, envVar } = one.secret;
    const members = { group, groupVersion, key, envVar };
    const given = Object.entries(members).filter(([, member]) => member !== '');
    return {
      annotation,
      secret: { ...Object.fromEntries(given), mountRequirement: mountName(mountRequirement) },
      ...(one.done === undefined ? {} : { by: one.done.by }),
      asked: answersOf(managers, one),
    };
  });
}

function answersOf(
  managers: readonly string[],
  { called, reasons, done }: Outcome,
): ExplainedAnswer[] {
  const at = done === undefined ? Infinity : managers.indexOf(done.by);
  return managers.map((manager, index): ExplainedAnswer => {
    const why = reasons.find(({ type }) => type === manager)?.why;
    if (why !== undefined) return { manager, answer: 'does not', why: shorter(why, called) };
    if (index === at) return { manager, answer: 'delivers' };
    return { manager, answer: index < at && done !== undefined ? 'would, later' : 'not asked' };
  });
}

/** The managers, and a row for each secret. */
export function secretsText(answers: Answers, look: Look): string {
  const { profile, managers } = answers;
  const rows = explainSecrets(answers).map(({ annotation, secret = {}, by, asked, wrong }) => {
    const { group = '', groupVersion = '', key = '', mountRequirement = '', envVar = '' } = secret;
    const others = wrong === undefined ? asked.flatMap(said) : [`no secret of Flyte: ${wrong}`];
    const wanted = [group, groupVersion, key, mountRequirement, envVar];
    return [annotation, ...wanted, by ?? 'nobody', others.join('; ')];
  });
  const table = { headings: HEADINGS, rows };
  const head = `profile   ${profile}\nmanagers  ${managers.join(', ') || 'none'}`;
  return `${head}\n\n${titled(table, look)}`;
}

const HEADINGS = ['SECRET', 'GROUP', 'VERSION', 'KEY', 'AS', 'NAME', 'MANAGER', 'THE OTHERS'];

function said({ manager, answer, why = '' }: ExplainedAnswer): string[] {
  switch (answer) {
    case 'delivers':
      return [];
    case 'does not':
      return [`${manager}: ${why}`];
    case 'would, later':
      return [`${manager}: would, but variables of other stores come last`];
    case 'not asked':
      return [];
  }
}
