// Names of headers that say that they prove something.

const PROVING_WORDS = [
  'auth',
  'token',
  'secret',
  'password',
  'credentials?',
  'session',
  'signature',
  'jwt',
  'bearer',
  '(?:api|access|private|subscription|functions)[-_]?key',
].join('|');
const CREDENTIAL = new RegExp(`authorization|cookie|(?:^|[-_])(?:${PROVING_WORDS})(?:[-_]|$)`, 'i');

/** True where a header's value is a credential, by its name: such values come from a store. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIAL.test(name);
}
