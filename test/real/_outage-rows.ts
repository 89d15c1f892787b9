// The outages that every store is put through, and what each must come to.
import { closedPort } from '../support/ports.ts';
import { FAULTS, certificates } from './_faults.ts';
import type { Front, Stand } from './_outage.ts';
import {
  answering,
  blackHole,
  closedFor,
  failing,
  meeting,
  nowhere,
  resetInBody,
  showing,
  waitFor,
} from './_outage-fronts.ts';

/** One outage. */
export interface Row {
  readonly fault: string;
  readonly front: (stand: Stand) => Promise<Front>;
  readonly budgetMs?: number;
  /** What it comes to; where stores differ, by their kind. */
  readonly outcome: string | Readonly<Record<string, string>>;
  /** What each attempt met; nothing where the start succeeds. */
  readonly reason?: RegExp;
  /** Requests more than without the fault, where that is known. */
  readonly more?: number | Readonly<Record<string, number>>;
  /** Requests at all, where that is what counts. */
  readonly requests?: number;
  /** Decided with nothing waited for. */
  readonly atOnce?: true;
  /** Kinds for which it does not exist. */
  readonly not?: readonly string[];
}

const FINE = 'all values';
const DOWN = 'BH_ERR_STORE';
const NO_ANSWER = /no answer for \d+ ms/;
/** A batch that is throttled is asked for one by one: single reads have a quota of their own. */
const ONE_BY_ONE = 'aws-secrets-manager';
const HALF_ANSWER = { kind: 'truncate', declared: 'whole' } as const;

/** It stays as it is until the time is over, or is known to stay so. */
export const LASTING: readonly Row[] = [
  {
    fault: 'connection refused',
    front: async () => nowhere(`http://127.0.0.1:${await closedPort()}`),
    outcome: DOWN,
    reason: /refused/,
    requests: 0,
  },
  {
    fault: 'black hole: packets are dropped',
    front: blackHole,
    outcome: DOWN,
    reason: NO_ANSWER,
    requests: 0,
  },
  {
    fault: 'hangs before the headers',
    front: meeting(FAULTS.hangBeforeHeaders),
    outcome: DOWN,
    reason: NO_ANSWER,
  },
  {
    fault: 'hangs after the headers',
    front: meeting(FAULTS.hangAfterHeaders),
    outcome: DOWN,
    reason: NO_ANSWER,
  },
  {
    fault: '1 byte a second',
    front: meeting(FAULTS.byteASecond),
    outcome: DOWN,
    reason: NO_ANSWER,
  },
  {
    fault: 'reset before the headers',
    front: meeting(FAULTS.reset),
    outcome: DOWN,
    reason: /reset/,
  },
  { fault: 'reset in the body', front: resetInBody, outcome: DOWN, reason: /(cut off|reset)/ },
  {
    fault: 'half a body, and its length says so',
    front: meeting(HALF_ANSWER),
    outcome: DOWN,
    reason: /cut off/,
  },
  {
    fault: 'half a JSON, and nothing says so',
    front: meeting(FAULTS.cutUnseen),
    outcome: DOWN,
    reason: /not JSON/,
    // Objects are any bytes.
    not: ['s3'],
  },
  {
    fault: 'a login page instead of an answer',
    front: meeting(FAULTS.loginPage),
    outcome: { '*': DOWN, http: 'BH_ERR_STORE_ANSWER' },
    reason: /not JSON|page of HTML|without an ETag/,
  },
  {
    fault: 'HTTP 500',
    front: answering(failing(500)),
    outcome: DOWN,
    reason: /HTTP 500/,
  },
  {
    fault: '429 without Retry-After',
    front: answering(({ throttled }) => throttled),
    outcome: DOWN,
    reason: /(HTTP 429|ThrottlingException|SlowDown)/,
  },
  {
    fault: '429, Retry-After longer than the time',
    front: answering(waitFor('60')),
    outcome: DOWN,
    reason: /(HTTP 429|ThrottlingException|SlowDown)/,
    more: { '*': 0, [ONE_BY_ONE]: 3 },
    atOnce: true,
  },
  {
    fault: 'certificate of an unknown authority',
    front: async (stand) => showing(certificates().otherAuthority)(stand),
    outcome: DOWN,
    reason: /certificate \(unknown authority\)/,
    atOnce: true,
  },
  {
    fault: 'certificate for another name',
    front: async (stand) => showing(certificates().otherName)(stand),
    outcome: DOWN,
    reason: /certificate \(wrong host name\)/,
    atOnce: true,
  },
  {
    fault: 'expired certificate',
    front: async (stand) => showing(certificates().expired)(stand),
    outcome: DOWN,
    reason: /certificate \(expired\)/,
    atOnce: true,
  },
  {
    fault: 'DNS: there is no such name',
    front: async () => nowhere('http://store.bellhop.invalid'),
    outcome: DOWN,
    reason: /name not (found|resolved)/,
    requests: 0,
  },
];

/** It passes, so the start must succeed. */
export const PASSING: readonly Row[] = [
  { fault: 'nothing', front: meeting(FAULTS.reset, 0), outcome: FINE, more: 0, atOnce: true },
  {
    fault: 'refused for 800 ms, then fine',
    front: async (stand) => closedFor(stand, 800),
    outcome: FINE,
  },
  {
    fault: 'hangs once, then fine',
    front: meeting(FAULTS.hangBeforeHeaders, 1),
    outcome: FINE,
    more: 1,
  },
  {
    fault: 'hangs once after the headers, then fine',
    front: meeting(FAULTS.hangAfterHeaders, 1),
    outcome: FINE,
    more: 1,
  },
  { fault: 'reset once, then fine', front: meeting(FAULTS.reset, 1), outcome: FINE, more: 1 },
  {
    fault: 'reset once in the body, then fine',
    front: async (stand) => resetInBody(stand, 1),
    outcome: FINE,
  },
  {
    fault: 'half a body once, then fine',
    front: meeting(HALF_ANSWER, 1),
    outcome: FINE,
    more: 1,
  },
  {
    fault: 'half a JSON once, then fine',
    front: meeting(FAULTS.cutUnseen, 1),
    outcome: FINE,
    more: 1,
    not: ['s3'],
  },
  { fault: '500 once, then fine', front: answering(failing(500), 1), outcome: FINE, more: 1 },
  { fault: '503 twice, then fine', front: answering(failing(503), 2), outcome: FINE, more: 2 },
  {
    fault: '503 eight times, then fine',
    front: answering(failing(503), 8),
    budgetMs: 15_000,
    outcome: FINE,
    more: 8,
  },
  {
    fault: '429 once without Retry-After, then fine',
    front: answering(({ throttled }) => throttled, 1),
    outcome: FINE,
    more: { '*': 1, [ONE_BY_ONE]: 3 },
  },
  {
    fault: '429 once with Retry-After: 1, then fine',
    front: answering(waitFor('1'), 1),
    outcome: FINE,
    more: { '*': 1, [ONE_BY_ONE]: 3 },
    budgetMs: 3000,
  },
  {
    fault: 'wrong content type',
    front: meeting(FAULTS.wrongType),
    outcome: { '*': FINE, http: 'BH_ERR_STORE_ANSWER' },
    reason: /page of HTML/,
    more: 0,
    atOnce: true,
  },
];
