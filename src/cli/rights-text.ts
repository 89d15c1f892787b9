import type { StoreRights } from '../entrypoint/rights.ts';
import type { IamCondition, Right } from '../stores/_store.ts';

/** One right of this system, with the store that it is for. */
type Of<System extends Right['system']> = Extract<Right, { system: System }> & {
  readonly store: string;
};

function ofSystem<System extends Right['system']>(
  stores: readonly StoreRights[],
  system: System,
): Of<System>[] {
  return stores.flatMap(({ store, rights }) => {
    const own = rights.filter((one): one is Extract<Right, { system: System }> => {
      return one.system === system;
    });
    return own.map((one) => ({ ...one, store }));
  });
}

/** An IAM policy document; its statements differ in their actions or conditions. */
export interface IamPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly {
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
    readonly Condition?: IamCondition;
  }[];
}

interface Role {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'Role';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** One document a system; absent where the plan needs nothing of it. */
export interface RightsDocuments {
  readonly aws?: IamPolicy;
  /** HCL. */
  readonly vault?: string;
  readonly google?: readonly { readonly role: string; readonly scope: string }[];
  readonly azure?: readonly { readonly role: string; readonly scope: string }[];
  readonly kubernetes?: readonly Role[];
  /** Sentences. */
  readonly other?: readonly string[];
}

/** The rights in the form that each system takes. */
export function rightsDocuments(stores: readonly StoreRights[], name: string): RightsDocuments {
  const aws = ofSystem(stores, 'aws');
  const vault = ofSystem(stores, 'vault');
  const google = ofSystem(stores, 'google').map(bindingOf);
  const azure = ofSystem(stores, 'azure').map(bindingOf);
  const kubernetes = ofSystem(stores, 'kubernetes');
  const other = ofSystem(stores, 'other').map(({ store, text }) => `store ${store}: ${text}`);
  return {
    ...(aws.length === 0 ? {} : { aws: iamPolicy(aws) }),
    ...(vault.length === 0 ? {} : { vault: vaultPolicy(vault) }),
    ...(google.length === 0 ? {} : { google: distinct(google) }),
    ...(azure.length === 0 ? {} : { azure: distinct(azure) }),
    ...(kubernetes.length === 0 ? {} : { kubernetes: roles(kubernetes, name) }),
    ...(other.length === 0 ? {} : { other: distinct(other) }),
  };
}

function bindingOf({ role, scope }: { readonly role: string; readonly scope: string }) {
  return { role, scope };
}

function distinct<T>(all: readonly T[]): T[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** What is under a key, sorted and each once. */
function grouped(pairs: readonly (readonly [string, readonly string[]])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, values] of pairs) {
    groups.set(key, [...new Set([...(groups.get(key) ?? []), ...values])].toSorted());
  }
  return groups;
}

/**
 * Under each condition the actions of each resource together, then the resources that have the same
 * actions.
 */
function iamPolicy(rights: readonly Of<'aws'>[]): IamPolicy {
  const conditions = new Map(rights.map(({ condition }) => [JSON.stringify(condition), condition]));
  const statements = [...conditions].flatMap(([under, condition]) => {
    const own = rights.filter((right) => JSON.stringify(right.condition) === under);
    const byResource = grouped(own.map(({ resource, actions }) => [resource, actions]));
    const byActions = grouped(
      [...byResource].map(([resource, actions]) => [actions.join(' '), [resource]]),
    );
    return [...byActions].map(([actions, resources]) => ({
      Effect: 'Allow' as const,
      Action: actions.split(' '),
      Resource: resources,
      ...(condition === undefined ? {} : { Condition: condition }),
    }));
  });
  return { Version: '2012-10-17', Statement: statements };
}

function vaultPolicy(rights: readonly Of<'vault'>[]): string {
  const paths = grouped(rights.map(({ path, capabilities }) => [path, capabilities]));
  const blocks = [...paths].map(([path, capabilities]) => {
    const list = capabilities.map((one) => JSON.stringify(one)).join(', ');
    return `path ${hclText(path)} {\n  capabilities = [${list}]\n}\n`;
  });
  return blocks.join('\n');
}

/** A literal of HCL, in which `${` and `%{` would begin a template. */
function hclText(text: string): string {
  return JSON.stringify(text).replace(/[$%](?=\{)/g, '$&$&');
}

function roles(rights: readonly Of<'kubernetes'>[], name: string): Role[] {
  const namespaces = [...new Set(rights.map(({ namespace }) => namespace))];
  return namespaces.map((namespace) => {
    const own = rights.filter((one) => one.namespace === namespace);
    const byResource = grouped(own.map((one) => [one.resource, [one.name]]));
    const rules = [...byResource].map(([resource, resourceNames]) => {
      return { apiGroups: [''], resources: [resource], resourceNames, verbs: ['get'] };
    });
    return {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace },
      rules,
    };
  });
}

/** All documents below headings that are comments; ends with a newline. */
export function rightsText(documents: RightsDocuments): string {
  const { aws, vault, google, azure, kubernetes = [], other } = documents;
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  const list = (bindings: readonly { readonly role: string; readonly scope: string }[]): string => {
    const width = Math.max(...bindings.map(({ role }) => role.length));
    return bindings.map(({ role, scope }) => `${role.padEnd(width)}  ${scope}\n`).join('');
  };
  const parts = [
    ...(aws === undefined ? [] : [`# AWS: IAM policy\n${json(aws)}`]),
    ...(vault === undefined ? [] : [`# Vault or OpenBao: policy\n${vault}`]),
    ...(google === undefined
      ? []
      : [`# Google Cloud: role, and what it is granted on\n${list(google)}`]),
    ...(azure === undefined ? [] : [`# Azure: role assignment, and its scope\n${list(azure)}`]),
    ...kubernetes.map((role) => `# Kubernetes: Role (JSON, as kubectl takes it)\n${json(role)}`),
    ...(other === undefined ? [] : [`# Others\n${other.map((one) => `# - ${one}\n`).join('')}`]),
  ];
  return parts.length === 0 ? '# This plan needs no rights in any store.\n' : parts.join('\n');
}

/** What the plan does not say, so that the policy is wider than it could be. */
export function wideParts({ aws }: RightsDocuments): string | undefined {
  const resources = aws?.Statement.flatMap(({ Resource }) => Resource) ?? [];
  const wide = resources.some((one) => /^arn:[^:]*:[^:]+:(\*:|[^:]*:\*:)/.test(one));
  if (!wide) return undefined;
  return 'the plan does not say every region and account: `*` stands for them in the IAM policy; put in yours';
}
