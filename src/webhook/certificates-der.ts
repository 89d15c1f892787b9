// X.509 version 3 as RFC 5280 has it, for the two shapes that are made here and no other: an
// authority and a server's leaf, both ECDSA with SHA-256. Only writing: what comes from elsewhere
// is read by the platform. Why no library: docs/decisions/0003-dependencies.md.

/** What both shapes have. */
interface Common {
  /** 1 to 20 bytes; never negative, never zero. */
  readonly serial: Uint8Array;
  /** The common names. */
  readonly issuer: string;
  readonly subject: string;
  /** Milliseconds since the epoch; whole seconds are kept. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo as it is in DER. */
  readonly publicKey: Uint8Array;
  /** SHA-1 or the like over a key: a name for it, no safety. */
  readonly subjectKeyId: Uint8Array;
  readonly authorityKeyId: Uint8Array;
}

/** The part of a certificate that is signed. */
export type Unsigned = Common &
  (
    | { readonly kind: 'authority' }
    | { readonly kind: 'leaf'; readonly dnsNames: readonly string[] }
  );

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const TRUE = Uint8Array.of(0x01, 0x01, 0xff);

/** The contents of object identifiers. */
const OID = {
  commonName: Uint8Array.of(0x55, 0x04, 0x03),
  ecdsaWithSha256: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02),
  subjectKeyId: Uint8Array.of(0x55, 0x1d, 0x0e),
  keyUsage: Uint8Array.of(0x55, 0x1d, 0x0f),
  subjectAltName: Uint8Array.of(0x55, 0x1d, 0x11),
  basicConstraints: Uint8Array.of(0x55, 0x1d, 0x13),
  authorityKeyId: Uint8Array.of(0x55, 0x1d, 0x23),
  extendedKeyUsage: Uint8Array.of(0x55, 0x1d, 0x25),
  serverAuth: Uint8Array.of(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01),
} as const;

/** One element: tag, length, content. */
function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(body.byteLength), body]);
}

function lengthOf(bytes: number): Uint8Array {
  if (bytes < 0x80) return Uint8Array.of(bytes);
  if (bytes < 0x100) return Uint8Array.of(0x81, bytes);
  return Uint8Array.of(0x82, bytes >> 8, bytes & 0xff);
}

function oid(content: Uint8Array): Uint8Array {
  return der(0x06, content);
}

/** A positive number: without leading zeros, but with one where the first bit is set. */
function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  const isNegative = (digits[0] ?? 0) >= 0x80;
  return der(INTEGER, ...(isNegative ? [Uint8Array.of(0)] : []), digits);
}

/** RFC 5280 section 4.1.2.5: two digits for the year until 2049, four from then on. */
function time(ms: number): Uint8Array {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  const isLate = Number(digits.slice(0, 4)) >= 2050;
  return isLate
    ? der(GENERALIZED_TIME, Buffer.from(digits))
    : der(UTC_TIME, Buffer.from(digits.slice(2)));
}

function name(commonName: string): Uint8Array {
  const attribute = der(SEQUENCE, oid(OID.commonName), der(UTF8_STRING, Buffer.from(commonName)));
  return der(SEQUENCE, der(SET, attribute));
}

function extension(id: Uint8Array, value: Uint8Array, critical = false): Uint8Array {
  return der(SEQUENCE, oid(id), ...(critical ? [TRUE] : []), der(OCTET_STRING, value));
}

/** Bits of KeyUsage with the count of those that are unused. */
function usage(unusedBits: number, bits: number): Uint8Array {
  return extension(OID.keyUsage, der(BIT_STRING, Uint8Array.of(unusedBits, bits)), true);
}

function extensionsOf(unsigned: Unsigned): readonly Uint8Array[] {
  const ids = [
    extension(OID.subjectKeyId, der(OCTET_STRING, unsigned.subjectKeyId)),
    extension(OID.authorityKeyId, der(SEQUENCE, der(0x80, unsigned.authorityKeyId))),
  ];
  switch (unsigned.kind) {
    case 'authority': {
      // No authority below it; it signs certificates and lists of revoked ones.
      const constraints = der(SEQUENCE, TRUE, integer(Uint8Array.of(0)));
      return [extension(OID.basicConstraints, constraints, true), usage(1, 0x06), ...ids];
    }
    case 'leaf': {
      const names = unsigned.dnsNames.map((one) => der(0x82, Buffer.from(one)));
      return [
        extension(OID.basicConstraints, der(SEQUENCE), true),
        usage(7, 0x80),
        extension(OID.extendedKeyUsage, der(SEQUENCE, oid(OID.serverAuth))),
        extension(OID.subjectAltName, der(SEQUENCE, ...names)),
        ...ids,
      ];
    }
  }
}

const ALGORITHM = der(SEQUENCE, oid(OID.ecdsaWithSha256));

/** What is to be signed. */
export function toBeSigned(unsigned: Unsigned): Uint8Array {
  return der(
    SEQUENCE,
    der(0xa0, integer(Uint8Array.of(2))),
    integer(unsigned.serial),
    ALGORITHM,
    name(unsigned.issuer),
    der(SEQUENCE, time(unsigned.notBeforeMs), time(unsigned.notAfterMs)),
    name(unsigned.subject),
    unsigned.publicKey,
    der(0xa3, der(SEQUENCE, ...extensionsOf(unsigned))),
  );
}

/** The certificate; the signature is ECDSA's in DER. */
export function signed(body: Uint8Array, signature: Uint8Array): Uint8Array {
  return der(SEQUENCE, body, ALGORITHM, der(BIT_STRING, Uint8Array.of(0), signature));
}

/** PEM as RFC 7468 writes it. */
export function pemOf(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
