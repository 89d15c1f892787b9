import { ANY, ENV_VAR } from '../wire/flyte-secret.ts';
import { goUpper } from '../wire/go-case.ts';
import type { InjectorKind } from './_injector.ts';
import { Refusal, prefixVariable } from './_injector.ts';
import { kept, mustKeep, textForVariable } from './_kept.ts';
import { inClearText, literalValue } from './_literal.ts';

/** One for all: nearly every secret ends here, and an error is costly to make. */
const NO_VALUE = new Refusal('the webhook has no such value');

/** Values that the webhook's own process has, as variables. Flyte asks it before every other. */
const global: InjectorKind = {
  type: 'Global',
  summary: "values of the webhook's own variables and files",
  needsRule: true,
  asksNobody: true,
  open(context) {
    return (asked) => {
      const { secret } = asked;
      const { group, key, mountRequirement } = secret;
      if (group === '' || key === '') throw new Refusal('it needs a group and a key');
      const value = context.global(group, key);
      if (value === undefined) throw NO_VALUE;
      if (mountRequirement !== ANY && mountRequirement !== ENV_VAR) {
        // Version 1 of Flyte ends here (by a crash): nobody else was ever asked.
        throw new Refusal('it gives variables only', { isFinal: context.compat === 'v1' });
      }
      const name = goUpper(`${context.envPrefix}${group}_${key}`);
      if (context.keepsIn !== undefined) {
        mustKeep(asked, context);
        const id = JSON.stringify(['Global', group, key]);
        const bytes = Buffer.from(textForVariable(value));
        return [prefixVariable(context), kept(asked, bytes, { id, variable: name })];
      }
      const variable = { kind: 'env', name, value: literalValue(value) } as const;
      return [prefixVariable(context), variable, inClearText(secret)];
    };
  },
};

export default global;
