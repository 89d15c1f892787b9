// A key of a service account, and whether a token was signed by it.
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';

/** A new key as Google's file has it, and the judge of tokens that it signs itself. */
export function signedJwtParts() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = {
    type: 'service_account',
    project_id: 'p',
    private_key_id: 'one',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'submitter@p.iam.gserviceaccount.com',
  };
  const pem = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
  const isOurs = (token: string): boolean => {
    const [header = '', claims = '', signature = ''] = token.split('.');
    const signed = Buffer.from(`${header}.${claims}`);
    return verify('RSA-SHA256', signed, pem, Buffer.from(signature, 'base64url'));
  };
  return { file, isOurs };
}
