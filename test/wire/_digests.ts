// The platform's cryptography, for tests of wire formats.
import { createHash, createHmac } from 'node:crypto';
import type { Digests } from '../../src/wire/digests.ts';

export const digests: Digests = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),
};
