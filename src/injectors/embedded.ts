import { ANY, ENV_VAR, FILE, mountName } from '../wire/flyte-secret.ts';
import { goLower, goUpper } from '../wire/go-case.ts';
import type { Edit } from './_edit.ts';
import { fileVariablesOf, filesScript, isFileName } from './_embedded-files.ts';
import type { Scope } from './_embedded-names.ts';
import { scopesOf, storedName } from './_embedded-names.ts';
import type { Asked, FoundValue, InjectorContext, InjectorKind } from './_injector.ts';
import { Refusal, SECRETS_DIR, fileVariables, prefixVariable } from './_injector.ts';
import { bytesForVariable, kept, mustKeep, textForVariable } from './_kept.ts';
import { inClearText, literalValue } from './_literal.ts';

const VOLUME = 'embedded-secret-vol';

/**
 * Values that the webhook reads itself, from the store of its configuration; into the pod, or into
 * a Secret beside it.
 */
const embedded: InjectorKind = {
  type: 'Embedded',
  summary: 'values that the webhook reads for the project, the domain or the organization',
  needsRule: true,
  open(context) {
    return async (asked) => {
      const { secret } = asked;
      if (secret.key === '') throw new Refusal('a key is needed');
      mustKeep(asked, context);
      const { value, scope } = await find(asked, context);
      const isKept = context.keepsIn !== undefined;
      const edits = [...editsFor(asked, value, context), ...(isKept ? [] : [inClearText(secret)])];
      const pull = await pullSecretOf(asked, scope, context);
      return pull === undefined ? edits : [...edits, pull];
    };
  },
};

export default embedded;

interface Found {
  readonly value: FoundValue;
  readonly scope: Scope;
}

/** The first scope that has it counts; one that cannot say ends the search. */
async function find({ secret, labels, signal }: Asked, context: InjectorContext): Promise<Found> {
  const label = (name: string): string => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
    if (value !== undefined && value !== '') return value;
    throw new Refusal(
      `secret read requirements not met due to empty ${name} field in the pod labels`,
    );
  };
  const organization = label('organization');
  const [project, domain] = [label('project'), label('domain')];
  for (const scope of scopesOf({ organization, domain, project })) {
    const value = await context.embedded.find(storedName(scope, secret.key), signal);
    if (value !== undefined) return { value, scope };
  }
  throw new Refusal('there is no such secret for the project, the domain or the organization');
}

function editsFor(asked: Asked, value: FoundValue, context: InjectorContext): Edit[] {
  switch (asked.secret.mountRequirement) {
    case ANY:
    case ENV_VAR:
      return asVariable(asked, value, context);
    case FILE:
      return asFile(asked, value, context);
    default: {
      const called = mountName(asked.secret.mountRequirement);
      throw new Refusal(`unrecognized mount requirement [${called}]`);
    }
  }
}

function asVariable(asked: Asked, { text, bytes }: FoundValue, context: InjectorContext): Edit[] {
  const { secret } = asked;
  const own = bytes === undefined ? [] : bytesForVariable(bytes);
  const value = textForVariable(text ?? Buffer.from(own).toString());
  const name = secret.envVar === '' ? `${context.envPrefix}${goUpper(secret.key)}` : secret.envVar;
  if (context.keepsIn !== undefined) {
    const as = { id: idOf(secret.key), variable: name };
    return [prefixVariable(context), kept(asked, Buffer.from(value), as)];
  }
  return [prefixVariable(context), { kind: 'env', name, value: literalValue(value) }];
}

function asFile(asked: Asked, { text, bytes }: FoundValue, context: InjectorContext): Edit[] {
  const { key, envVar } = asked.secret;
  if (!isFileName(key)) {
    throw new Refusal(
      'its key is no name of a file: 1 to 255 bytes, no slash, no control characters',
    );
  }
  const content = text === undefined ? (bytes ?? new Uint8Array()) : Buffer.from(text);
  const path = { name: envVar, file: `${SECRETS_DIR}/${goLower(key)}` };
  if (context.keepsIn !== undefined) {
    // Where the SDK would look for another spelling of the name, there is one more.
    const files = [...new Set([key, goLower(key)])];
    return [kept(asked, content, { id: idOf(key), files }), ...fileVariables(path)];
  }
  const { writer } = context.embedded;
  // Flyte tells the SDK where files are with the first of them only.
  const isFirst = !asked.hasMemory(VOLUME);
  const own: Edit[] = envVar === '' ? [] : [{ kind: 'env', name: envVar, value: path.file }];
  return [
    { kind: 'memory', volume: VOLUME, mountPath: SECRETS_DIR },
    {
      kind: 'writer',
      name: writer.name,
      container: {
        image: writer.image,
        command: ['sh', '-c', filesScript(SECRETS_DIR)],
        resources: writer.resources,
      },
      env: fileVariablesOf(key, content),
      isShared: true,
      writesAt: SECRETS_DIR,
    },
    ...(isFirst ? fileVariables(path) : own),
  ];
}

/** Within one pod: group and version are ignored, as Flyte does. */
function idOf(key: string): string {
  return JSON.stringify(['Embedded', key]);
}

const PULL_DIGITS = 16;

/** A Secret that the images of this secret's scope are pulled with, where the cluster has one. */
async function pullSecretOf(
  { secret, namespace, dryRun, signal }: Asked,
  { organization, domain, project }: Scope,
  { embedded: { pullSecrets }, digest }: InjectorContext,
): Promise<Edit | undefined> {
  if (pullSecrets === undefined) return undefined;
  const scoped = [organization, domain, project, secret.key].join(':');
  const name = `img-pull-${digest.sha256(scoped).slice(0, PULL_DIGITS)}`;
  const isThere = await pullSecrets.mirror(name, { namespace, dryRun, signal });
  return isThere ? { kind: 'imagePullSecret', name } : undefined;
}
