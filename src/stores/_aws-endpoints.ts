// Where AWS services are: the host names of botocore 1.44.5's endpoint rules, recorded in
// test/golden/aws-endpoints.

/** A service as its names differ. */
export interface AwsService {
  /** What requests are signed for. */
  readonly signed: string;
  /** The host's first label or labels. */
  readonly host: string;
  /** In AWS_ENDPOINT_URL_<…>; in lower case in the `services` section of the shared config. */
  readonly variable: string;
  /** The first part of X-Amz-Target, where it is a JSON service. */
  readonly target?: string;
}

export const AWS = {
  secretsManager: {
    signed: 'secretsmanager',
    host: 'secretsmanager',
    variable: 'SECRETS_MANAGER',
    target: 'secretsmanager',
  },
  ssm: { signed: 'ssm', host: 'ssm', variable: 'SSM', target: 'AmazonSSM' },
  kms: { signed: 'kms', host: 'kms', variable: 'KMS', target: 'TrentService' },
  sts: { signed: 'sts', host: 'sts', variable: 'STS' },
  sso: { signed: 'awsssoportal', host: 'portal.sso', variable: 'SSO' },
  s3: { signed: 's3', host: 's3', variable: 'S3' },
} as const satisfies Record<string, AwsService>;

/** Which of a service's hosts is wanted. */
export interface EndpointWish {
  readonly region: string;
  readonly isFips: boolean;
  readonly isDualstack: boolean;
}

interface Partition {
  readonly name: string;
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualstackSuffix: string;
}

const COMMERCIAL: Partition = {
  name: 'aws',
  regions: /^/,
  suffix: 'amazonaws.com',
  dualstackSuffix: 'api.aws',
};

const PARTITIONS: readonly Partition[] = [
  {
    name: 'aws-cn',
    regions: /^cn-/,
    suffix: 'amazonaws.com.cn',
    dualstackSuffix: 'api.amazonwebservices.com.cn',
  },
  {
    name: 'aws-us-gov',
    regions: /^us-gov-/,
    suffix: 'amazonaws.com',
    dualstackSuffix: 'api.aws',
  },
  {
    name: 'aws-iso',
    regions: /^us-iso-/,
    suffix: 'c2s.ic.gov',
    dualstackSuffix: 'api.aws.ic.gov',
  },
  {
    name: 'aws-iso-b',
    regions: /^us-isob-/,
    suffix: 'sc2s.sgov.gov',
    dualstackSuffix: 'api.aws.scloud',
  },
  {
    name: 'aws-iso-e',
    regions: /^eu-isoe-/,
    suffix: 'cloud.adc-e.uk',
    dualstackSuffix: 'api.cloud-aws.adc-e.uk',
  },
  {
    name: 'aws-iso-f',
    regions: /^us-isof-/,
    suffix: 'csp.hci.ic.gov',
    dualstackSuffix: 'api.aws.hci.ic.gov',
  },
  {
    name: 'aws-eusc',
    regions: /^eusc-/,
    suffix: 'amazonaws.eu',
    dualstackSuffix: 'api.amazonwebservices.eu',
  },
];

function partitionOf(region: string): Partition {
  return PARTITIONS.find(({ regions }) => regions.test(region)) ?? COMMERCIAL;
}

/** `aws`, `aws-cn` …: the second part of the ARNs there. */
export function partitionName(region: string | undefined): string {
  return region === undefined ? COMMERCIAL.name : partitionOf(region).name;
}

/** The service's own host in a region, as an https URL without a path. */
export function serviceUrl(service: AwsService, wish: EndpointWish): string {
  const { region, isFips, isDualstack } = wish;
  const { name, suffix, dualstackSuffix } = partitionOf(region);
  if (service === AWS.s3) {
    const host = `${isFips ? 's3-fips' : 's3'}${isDualstack ? '.dualstack' : ''}`;
    return `https://${host}.${region}.${suffix}`;
  }
  const hasFips = isFips && !(name === 'aws-us-gov' && !isDualstack && isFipsAnyway(service));
  const isDual = isDualstack && !isDualstackAnyway(service, name, isFips);
  const host = `${service.host}${hasFips ? '-fips' : ''}`;
  return `https://${host}.${region}.${isDual ? dualstackSuffix : suffix}`;
}

/** In the regions of the US government these hosts are FIPS ones, without saying so. */
function isFipsAnyway(service: AwsService): boolean {
  return service === AWS.ssm || service === AWS.sts || service === AWS.sso;
}

/** Secrets Manager's plain hosts have both kinds of addresses. */
function isDualstackAnyway(service: AwsService, partition: string, isFips: boolean): boolean {
  if (service !== AWS.secretsManager) return false;
  return partition === 'aws-cn' ? !isFips : partition === 'aws' || partition === 'aws-us-gov';
}

/** Regions whose STS is the global one where AWS_STS_REGIONAL_ENDPOINTS says `legacy`. */
const GLOBAL_STS = new Set(
  `ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1
  eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2`.split(/\s+/),
);

/** True where `legacy` means https://sts.amazonaws.com, signed for us-east-1. */
export function isGlobalSts(region: string): boolean {
  return GLOBAL_STS.has(region);
}

/** What an ARN says; its resource may hold colons. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

/** Undefined where the text is no ARN. */
export function readArn(text: string): Arn | undefined {
  const [prefix, partition, service, region, account, ...rest] = text.split(':');
  if (prefix !== 'arn' || rest.length === 0) return undefined;
  if (partition === undefined || service === undefined) return undefined;
  if (region === undefined || account === undefined) return undefined;
  return { partition, service, region, account, resource: rest.join(':') };
}
