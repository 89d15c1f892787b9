// What IAM must allow beside reading itself: keys of KMS, and roles. The actions are those of the
// Service Authorization Reference, the conditions those of the KMS developer guide (both of 2026).
import { partitionName, readArn } from './_aws-endpoints.ts';
import type { Options } from './_options.ts';
import { groupOption, textOption } from './_options.ts';
import type { AwsRight, Right, StoreKind, Wanted } from './_store.ts';

/** A name in a resource: what IAM would take for a pattern or a variable stands for itself. */
export function iamName(name: string): string {
  return name.replace(/[*?$]/g, '${$&}');
}

/**
 * What is done with a key: named by its id, its ARN, `alias/NAME` or that alias's ARN. IAM takes no
 * alias for a key (it would be the alias itself): it is any key, on the condition that it has it.
 */
export function keyRight(
  actions: readonly string[],
  keyId: string,
  region: string | undefined,
): AwsRight {
  const arn = readArn(keyId);
  const name = arn === undefined ? keyId : arn.resource.replace(/^key\//, '');
  const where = { region, ...arn };
  if (!name.startsWith('alias/')) return { system: 'aws', actions, resource: keyArn(name, where) };
  const condition = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': name } };
  return { system: 'aws', actions, resource: keyArn('*', where), condition };
}

interface Where {
  readonly region: string | undefined;
  readonly partition?: string;
  readonly account?: string;
}

function keyArn(key: string, { region, partition, account = '*' }: Where): string {
  return `arn:${partition ?? partitionName(region)}:kms:${region ?? '*'}:${account}:key/${key}`;
}

/**
 * What is under a key of the user's own is opened by the service, in our name. Which key is not in
 * the plan: so it is any, but only by that service, which gives nothing that we may not read.
 */
export function openedBy(
  service: 's3' | 'secretsmanager' | 'ssm',
  wanted: readonly Wanted[],
  options: Options,
): AwsRight[] {
  const home = textOption(options, 'region');
  const regions = new Set(wanted.map(({ path }) => readArn(path)?.region || home));
  return [...regions].map((region) => ({
    system: 'aws',
    actions: ['kms:Decrypt'],
    resource: keyArn('*', { region }),
    // Behind the region stands the partition's own domain.
    condition: { StringLike: { 'kms:ViaService': `${service}.${region ?? '*'}.*` } },
  }));
}

/** What a role in `auth` takes; the store's other rights are then the role's. */
export function roleRights(options: Options): Right[] {
  const auth = groupOption(options, 'auth');
  const role = textOption(auth, 'roleArn');
  if (role === undefined) return [];
  const whose = `the store's other AWS rights belong to role ${role}`;
  if (textOption(auth, 'webIdentityTokenFile') !== undefined) {
    return [{ system: 'other', text: `${whose}, whose trust policy must take the token` }];
  }
  const text = `${whose}, whose trust policy must name who bellhop runs as`;
  return [
    { system: 'aws', actions: ['sts:AssumeRole'], resource: role },
    { system: 'other', text },
  ];
}

/** Keys for data, in every store of AWS. */
export const AWS_DATA_KEYS: StoreKind['dataKeys'] & {} = {
  rights: (options, keyId) => [
    keyRight(['kms:Decrypt', 'kms:GenerateDataKey'], keyId, textOption(options, 'region')),
    ...roleRights(options),
  ],
};
