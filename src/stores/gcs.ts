import type { Verdict } from '../core/call.ts';
import type { HttpAnswer } from '../core/io/net-types.ts';
import { crc32c } from '../wire/crc32c.ts';
import { checkedAddress } from './_address.ts';
import { askEach, pathProblem, wantedKey } from './_each.ts';
import type { GcsObject } from './_gcs.ts';
import { failureOfGcs, isNoObject, objectUrl } from './_gcs.ts';
import { gcsHands } from './_gcs-write.ts';
import type { Google } from './_google.ts';
import { GOOGLE_AUTH, GOOGLE_OPTIONS, GOOGLE_VARIABLES } from './_google.ts';
import { googleHeaders, openGoogle } from './_google.ts';
import { DOTENV_OPTION, OBJECT_BYTES_MAX, objectAnswer, putNamed } from './_objects.ts';
import { readObject } from './_objects.ts';
import type { Options } from './_options.ts';
import { textOption } from './_options.ts';
import { sendDoubting } from './_rest.ts';
import type { Answer, StoreContext, StoreKind, Wanted } from './_store.ts';

const API = 'https://storage.googleapis.com';

/** Objects of Google Cloud Storage by its JSON API, one request each. */
const gcs: StoreKind = {
  kind: 'gcs',
  summary: 'Objects of Google Cloud Storage',
  path: 'the bucket and the name of the object: `my-bucket/prod/app.json`',
  version: 'the generation of the object, a number; the latest where absent',
  perCall: { paths: 1, inFlight: 64, valueBytes: OBJECT_BYTES_MAX },
  options: {
    endpoint: { type: 'text', help: `the address of the API, where it is not \`${API}\`` },
    dotenv: DOTENV_OPTION,
    kmsKeyName: {
      type: 'text',
      help: "the key that objects are written under: `projects/P/locations/L/keyRings/R/cryptoKeys/K`; the bucket's own where absent",
    },
    ...GOOGLE_OPTIONS,
  },
  auth: GOOGLE_AUTH,
  variables: GOOGLE_VARIABLES,
  places: [],
  open(options, context) {
    const named = textOption(options, 'endpoint');
    const endpoint =
      named === undefined ? API : checkedAddress(context, named, { called: '`endpoint`' });
    const google = async (): Promise<Google> => openGoogle(context, options);
    const opened: Opened = { context, options, endpoint, google };
    return {
      fetch: async (wanted) => fetchAll(opened, wanted),
      put: async (path, content, how = {}) => {
        const place = placeOf(path);
        if (typeof place === 'string') throw pathProblem(context, path, place);
        const object = { ...place, content, ...how };
        const hands = gcsHands({ context, options, endpoint, google: await google() }, object);
        if (how.isNamedByContent !== true) return hands.write('anything');
        return putNamed(hands, hands.sha256);
      },
      identity: async () => (await google()).who(),
    };
  },
  rights: (_, wanted) => {
    return wanted.map(({ path }) => ({
      system: 'google',
      role: 'roles/storage.objectViewer',
      scope: scopeOf(path),
    }));
  },
  writes: {
    address: (path) => `gs://${path}`,
    rights(options, path) {
      const key = textOption(options, 'kmsKeyName');
      const role = 'roles/cloudkms.cryptoKeyEncrypterDecrypter';
      return [
        { system: 'google', role: 'roles/storage.objectUser', scope: scopeOf(path) },
        ...(key === undefined
          ? []
          : [
              {
                system: 'other',
                text: `${role} on ${key} for the service agent of Cloud Storage`,
              } as const,
            ]),
      ];
    },
  },
};

export default gcs;

interface Opened {
  readonly context: StoreContext;
  readonly options: Options;
  readonly endpoint: string;
  google(): Promise<Google>;
}

function scopeOf(path: string): string {
  const [bucket = '', ...key] = path.split('/');
  return `projects/_/buckets/${bucket}/objects/${key.join('/')}`;
}

/** The object that a path names; what is wrong with it as text. */
function placeOf(path: string): GcsObject | string {
  const place = readObject(path);
  if (place === undefined) return 'a path is a bucket and a name: BUCKET/NAME';
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(place.bucket)) {
    return 'the name of a bucket has lower-case letters, digits, `-`, `_` and `.`';
  }
  if (place.key === '.' || place.key === '..') return 'no object can have this name';
  return place;
}

async function fetchAll(opened: Opened, wanted: readonly Wanted[]): Promise<readonly Answer[]> {
  if (wanted.length === 0) return [];
  const { context, endpoint } = opened;
  context.caller.warm({ url: endpoint, proxy: 'environment', protocol: 'h1' });
  const google = await opened.google();
  // Whoever has no credentials has none for any path.
  await google.bearer.token(context);
  return askEach(context.caller, wanted, {
    keyOf: wantedKey,
    ask: async (one) => {
      const place = placeOf(one.path);
      const generation = one.version;
      if (typeof place === 'string') throw pathProblem(context, one.path, place);
      if (generation !== undefined && !/^\d{1,20}$/.test(generation)) {
        throw pathProblem(context, one.path, `${generation} is no generation: a number`);
      }
      return contentOf(opened, google, generation === undefined ? place : { ...place, generation });
    },
  });
}

async function contentOf(
  { context, options, endpoint }: Opened,
  google: Google,
  place: GcsObject & { readonly generation?: string },
): Promise<Answer> {
  const headers = googleHeaders(google, context);
  const { generation } = place;
  const query = generation === undefined ? '' : `&generation=${generation}`;
  return sendDoubting<Answer>(context.caller, {
    name: `GET ${place.bucket}/${place.key}`,
    request: async (attempt) => ({
      method: 'GET',
      url: `${objectUrl(endpoint, place)}?alt=media${query}`,
      headers: await headers(attempt),
      proxy: 'environment',
      protocol: 'h1',
      bodyBytesMax: OBJECT_BYTES_MAX,
    }),
    judge: (answer) => {
      if (answer.status === 200) return objectIn(answer, place.key, options);
      if (isNoObject(answer)) {
        return { kind: 'done', value: { kind: 'absent', what: 'there is no such object' } };
      }
      return failureOfGcs(answer, 'read', context.io.clock.now());
    },
  });
}

/** Every object has a generation: what has none is the page of something else that answers. */
function objectIn(answer: HttpAnswer, key: string, options: Options): Verdict<Answer> {
  const { 'x-goog-generation': version, 'x-goog-hash': hashes = '' } = answer.headers;
  if (version === undefined) {
    return { kind: 'again', why: 'HTTP 200 without a generation: that is no object' };
  }
  const [, base64] = /\bcrc32c=([A-Za-z0-9+/=]+)/.exec(hashes) ?? [];
  // What is stored packed has the checksum of its packed bytes.
  const stored = answer.headers['x-goog-stored-content-encoding'] ?? 'identity';
  if (base64 !== undefined && stored === 'identity' && base64 !== crcOf(answer.body)) {
    return { kind: 'again', why: 'an object that does not have its checksum' };
  }
  return objectAnswer({ key, body: answer.body, version }, options);
}

function crcOf(bytes: Uint8Array): string {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(crc32c(bytes));
  return four.toString('base64');
}
