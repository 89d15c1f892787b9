// Who may ask for which secret. Labels and annotations are the word of the pod's author; who
// creates it, and where, is the API server's.
import type { FlyteSecret } from '../wire/flyte-secret.ts';
import { fitsPattern } from '../wire/pattern.ts';

/** What a rule lets through; a list that is absent lets everything through, `*` any characters. */
export interface AllowRule {
  /** For messages. */
  readonly name: string;
  readonly namespaces?: readonly string[];
  /** Names of users, as the API server has authenticated them. */
  readonly users?: readonly string[];
  /** Types of secret managers. */
  readonly managers?: readonly string[];
  readonly groups?: readonly string[];
  readonly keys?: readonly string[];
}

/** Who asks for what, of which manager. */
export interface AllowAsked {
  readonly namespace: string;
  readonly user: string;
  readonly manager: string;
  /** True where nobody may have it whom no rule lets have it. */
  readonly needsRule?: boolean;
  /** True where the key says nothing of which secret it is: a rule of keys alone bounds nothing. */
  readonly isByGroup?: boolean;
  readonly secret: Pick<FlyteSecret, 'group' | 'key'>;
}

/**
 * Why it is not allowed: no rule lets it through. Undefined where one does, or where there are none
 * and none is needed.
 */
export function refusalBy(rules: readonly AllowRule[], asked: AllowAsked): string | undefined {
  if (rules.some((rule) => isAllowed(rule, asked))) return undefined;
  if (rules.length === 0) {
    return asked.needsRule === true
      ? `webhook.allow has no rule for it: ${ruleFor(asked)}`
      : undefined;
  }
  const nearest = rules.find((rule) => isOfAsker(rule, asked));
  const who = `${asked.user === '' ? 'an unknown user' : asked.user} in namespace ${asked.namespace}`;
  if (nearest === undefined) return `no rule of webhook.allow is for ${who}`;
  return `rule ${nearest.name} of webhook.allow does not let ${who} have it`;
}

/** The narrowest that lets everything of this manager through. */
function ruleFor({ namespace, user, manager }: AllowAsked): string {
  const users = user === '' ? '' : `, users: ["${user}"]`;
  return `e.g. { name: ${manager}, managers: [${manager}], namespaces: [${namespace}]${users} }`;
}

function isOfAsker({ namespaces, users }: AllowRule, { namespace, user }: AllowAsked): boolean {
  return fits(namespaces, namespace) && fits(users, user);
}

function isAllowed(rule: AllowRule, asked: AllowAsked): boolean {
  const { manager, secret, isByGroup = false } = asked;
  if (isByGroup && rule.keys !== undefined && rule.groups === undefined) return false;
  return isOfAsker(rule, asked) && fits(rule.managers, manager) && isOfSecret(rule, secret);
}

/**
 * Group and key make one path in many stores: group `team` with the key `../other/token` is a
 * secret of another group. Whoever says which groups or keys does not mean that.
 */
function isOfSecret({ groups, keys }: AllowRule, { group, key }: AllowAsked['secret']): boolean {
  const isLimited = groups !== undefined || keys !== undefined;
  if (isLimited && (leadsUp(group) || leadsUp(key))) return false;
  return fits(groups, group) && fits(keys, key);
}

function leadsUp(name: string): boolean {
  return name.includes('..') && name.split('/').includes('..');
}

function fits(patterns: readonly string[] | undefined, text: string): boolean {
  return patterns === undefined || patterns.some((pattern) => fitsPattern(pattern, text));
}
