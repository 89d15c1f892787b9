/** Bodies read whole, within a limit, and proven to be whole. */
import { netErrorOf } from './net-errors.ts';
import { NetError } from './net-types.ts';

export interface BodyLimits {
  readonly bytesMax: number;
  readonly protocol: 'h1' | 'h2';
}

/** Rejects with NetError: `too large` (reading stops), `cut off`, `protocol`. */
export async function readBody(response: Response, limits: BodyLimits): Promise<Uint8Array> {
  const stated = response.headers.get('content-length');
  const length = stated === null ? undefined : Number(stated);
  if (length !== undefined && length > limits.bytesMax) {
    return await refuse(response.body, tooLarge(limits));
  }
  if (hasNoEnd(response, limits)) {
    return await refuse(response.body, new NetError('protocol', 'a body without a length'));
  }
  const body = await read(response, limits, length);
  if (length !== undefined && body.byteLength !== length && hasBody(response)) {
    throw new NetError('cut off', `${body.byteLength} of ${length} bytes`);
  }
  return body;
}

/**
 * An HTTP/1.1 body that ends where the connection ends may be half a value: Bun 1.4.5 hides even
 * a reset there. Only a failure's body, of which nothing is delivered, may come like that.
 */
function hasNoEnd({ ok, headers, status }: Response, { protocol }: BodyLimits): boolean {
  if (!ok || protocol === 'h2' || status === NO_CONTENT) return false;
  return !headers.has('content-length') && !headers.has('transfer-encoding');
}

function hasBody({ status }: Response): boolean {
  return status !== NO_CONTENT && status !== NOT_MODIFIED;
}

async function read(
  response: Response,
  limits: BodyLimits,
  length: number | undefined,
): Promise<Uint8Array> {
  try {
    // With a length that fits there is nothing to count on the way. Beside chunks it says nothing:
    // Bun 1.4.5 reads those to their end.
    const isBound = length !== undefined && !response.headers.has('transfer-encoding');
    if (isBound || response.body === null) return await response.bytes();
    return await readCounted(response.body, limits);
  } catch (error) {
    throw netErrorOf(error, 'in body');
  }
}

async function readCounted(
  stream: ReadableStream<Uint8Array>,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let count = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    count += next.value.byteLength;
    if (count > limits.bytesMax) {
      reader.releaseLock();
      return await refuse(stream, tooLarge(limits));
    }
    chunks.push(next.value);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Closes the connection before the failure is told. */
async function refuse(stream: ReadableStream | null, why: NetError): Promise<never> {
  await stream?.cancel().catch(() => undefined);
  throw why;
}

function tooLarge({ bytesMax }: BodyLimits): NetError {
  return new NetError('too large', `over ${bytesMax} bytes`);
}

const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
