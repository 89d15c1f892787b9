import type { JsonObject } from '../targets/_caps.ts';
import type { Request } from '../targets/_target.ts';

// What calls of all platforms have in common, whoever makes them.

/** What came of a request. */
export type Answered =
  | { readonly kind: 'answer'; readonly answer: JsonObject }
  /** An error of one of the codes that were named. */
  | { readonly kind: 'code'; readonly code: string };

/**
 * Sends a request to a platform; errors of `codes` are answers, others are thrown as BellhopError.
 * A request of another family of APIs is not sent, and its answer is empty.
 */
export type Sender = (request: Request, codes: readonly string[]) => Promise<Answered>;

/** A description of a job with all of its settings has kilobytes. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Parts of codes, of AWS and of Google (google.rpc.Code). */
const OF_REQUEST = [
  'Validation',
  'InvalidParameter',
  'InvalidRequest',
  'ResourceLimitExceeded',
  'NotFound',
  'InUse',
  'Conflict',
  'Unsupported',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'RESOURCE_EXHAUSTED',
];

/** ECS and Batch; UnrecognizedClientException is a wrong key, and none of the request's. */
const CLIENT = 'ClientException';

/** The service has read the request and does not take it: its own words are what helps. */
export function isOfRequest(code: string): boolean {
  return code === CLIENT || OF_REQUEST.some((part) => code.includes(part));
}
