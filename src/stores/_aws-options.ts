import type { OptionSpecs } from './_options.ts';

// What every store of AWS takes, in the words of AWS's own tools.

/** Options of every AWS store. */
export const AWS_OPTIONS: OptionSpecs = {
  region: {
    type: 'text',
    help: 'the region; else AWS_REGION, AWS_DEFAULT_REGION, the profile; an ARN has its own',
  },
  endpoint: {
    type: 'text',
    help: "another address of the service, e.g. a VPC endpoint's: https://…",
  },
  ca: { type: 'text', help: 'a PEM file of the authorities to trust; else AWS_CA_BUNDLE' },
  fips: { type: 'flag', help: 'use the FIPS endpoints' },
  dualstack: { type: 'flag', help: 'use the endpoints that have IPv6 addresses too' },
  auth: {
    type: 'group',
    help: 'who we are; where absent, what the AWS SDKs find (environment, files, platform)',
    members: {
      profile: { type: 'text', help: 'this profile of ~/.aws/config, and nothing else' },
      roleArn: { type: 'text', help: 'a role to assume, by whatever identity there is' },
      externalId: { type: 'text', help: "the external id that the role's trust policy wants" },
      sessionName: { type: 'text', help: "the role session's name; `bellhop` where absent" },
      webIdentityTokenFile: { type: 'text', help: 'a file with a token that `roleArn` trusts' },
      accessKeyId: { type: 'reference', help: 'where the id of an access key is' },
      secretAccessKey: { type: 'reference', help: 'where the secret of that key is' },
      sessionToken: { type: 'reference', help: "where its session's token is, if it has one" },
    },
  },
};

/** The ways of proving who we are, in the order they are tried. */
export const AWS_AUTH: Readonly<Record<string, string>> = {
  references: 'an access key in another store: `auth: { accessKeyId: …, secretAccessKey: … }`',
  environment: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  'web identity': 'AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (EKS service accounts)',
  profile: 'a profile of ~/.aws/config: keys, `role_arn` chains, SSO; no `credential_process`',
  container: 'the credentials of an ECS or SageMaker task, or of EKS Pod Identity',
  instance: 'the role of an EC2 instance, by IMDSv2',
  role: '`auth: { roleArn: … }` is assumed on top of whatever was found',
};

/** Those that say where a service of AWS is, beside AWS_ENDPOINT_URL_ and its own name. */
export const AWS_PLACES: readonly string[] = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
];

/** Variables of AWS's tools that mean here what they mean there. */
export const AWS_VARIABLES: Readonly<Record<string, string>> = {
  AWS_REGION: 'the region',
  AWS_DEFAULT_REGION: 'the region, where AWS_REGION is not set',
  AWS_ACCESS_KEY_ID: 'the id of an access key',
  AWS_SECRET_ACCESS_KEY: 'its secret',
  AWS_SESSION_TOKEN: 'the token of its session, if it has one',
  AWS_PROFILE: 'the profile of the shared files',
  AWS_CONFIG_FILE: 'instead of ~/.aws/config',
  AWS_SHARED_CREDENTIALS_FILE: 'instead of ~/.aws/credentials',
  AWS_ROLE_ARN: 'the role to assume by AWS_WEB_IDENTITY_TOKEN_FILE',
  AWS_WEB_IDENTITY_TOKEN_FILE: 'a file with the token of a web identity',
  AWS_ROLE_SESSION_NAME: "the session's name with AWS_ROLE_ARN",
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "the task's credentials on 169.254.170.2",
  AWS_CONTAINER_CREDENTIALS_FULL_URI: "the task's credentials elsewhere",
  AWS_CONTAINER_AUTHORIZATION_TOKEN: 'what these credentials are asked with',
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'a file with it',
  AWS_EC2_METADATA_DISABLED: '`true`: the instance is not asked',
  AWS_EC2_METADATA_SERVICE_ENDPOINT: "another address of the instance's metadata",
  AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: '`IPv6`: its IPv6 address',
  AWS_ENDPOINT_URL: 'another address of all services',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: 'another address of one service; also _SSM, _S3, _KMS, _STS',
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: '`true`: such addresses are ignored',
  AWS_STS_REGIONAL_ENDPOINTS: '`legacy`: the global STS for the old regions',
  AWS_USE_FIPS_ENDPOINT: '`true`: the FIPS endpoints',
  AWS_USE_DUALSTACK_ENDPOINT: '`true`: the endpoints with IPv6',
  AWS_CA_BUNDLE: 'a PEM file of the authorities to trust',
};
