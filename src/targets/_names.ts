// Names of variables that platforms have rules for, or give themselves.
import type { Fact } from './_caps.ts';

/** Names of variables that the API must not be sent; the entrypoint delivers them. */
export interface Reserved extends Fact {
  /** The whole name matches. */
  readonly pattern: string;
  readonly why: string;
}

/** Variables that the platform gives every container, whatever the request says. */
export interface Gives extends Fact {
  /** The whole name matches. */
  readonly pattern: string;
  /** Others give this name too: it is the platform's where one of its other variables is there. */
  readonly isCommon?: true;
}

/** Where AWS has containers ask for the credentials of their role. */
export const ROLE_CREDENTIALS: Gives = {
  pattern: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  source: 'botocore 1.44.5, credentials.py (ContainerProvider)',
  readOn: '2026-11-22',
  sure: 'documented',
};
