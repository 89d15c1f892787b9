import { openBudget } from '../core/budget.ts';
import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { printable } from '../core/report.ts';
import { NO_TRACE } from '../core/trace.ts';
import type { StoresContext, Wanting } from '../entrypoint/open-store.ts';
import { openStore, storeContext } from '../entrypoint/open-store.ts';
import { barePlan } from '../plan/bare.ts';
import type { Settings } from '../plan/settings.ts';
import { storesOf } from '../plan/settings-use.ts';
import { DEFAULT_POLICY } from '../plan/types.ts';
import { AWS_OPTIONS, AWS_PLACES } from '../stores/_aws-options.ts';
import type { Options, OptionSpecs } from '../stores/_options.ts';
import { optionProblems } from '../stores/_options.ts';
import type { StoreContext } from '../stores/_store.ts';
import { GOOGLE_OPTIONS } from '../stores/_google.ts';
import type { Sender } from '../submit/calls.ts';
import { follow, sendAll } from '../submit/follow.ts';
import type { Spilled, Submission } from '../submit/prepare.ts';
import type { Progress, Request, Target } from '../targets/_target.ts';

/** What sending a submission takes. */
export interface SendOptions {
  readonly settings: Settings;
  readonly target: Target;
  /** How long the job is followed at most; not at all where absent. */
  readonly waitMsMax?: number;
}

const EXPIRE_DAYS_DEFAULT = 30;
const UPLOAD_MS_MAX = 300_000;
const CALLS_MS_MAX = 120_000;
const ATTEMPTS_MAX = 5;

/** Uploads what is spilled, makes the calls, and follows the job if that is wanted. */
export async function sendSubmission(
  io: Io,
  submission: Submission,
  options: SendOptions,
): Promise<{ readonly found: readonly string[]; readonly progress?: Progress }> {
  const { target, settings } = options;
  const { requests, job } = submission.split;
  const way = wayOf(requests);
  if (submission.spilled !== undefined) await uploadSpilled(io, submission.spilled, settings);
  const send = await senderFor(io, options, { way, ms: CALLS_MS_MAX });
  const ofName = submission.hasOwnName ? job.digest : undefined;
  const { answer, found } = await sendAll(requests, send, ofName);
  if (options.waitMsMax === undefined) return { found };
  const budget = openBudget(io.clock, options.waitMsMax);
  const line = progressLine(io, `${target.name} ${job.name}`);
  try {
    const asking = await senderFor(io, options, { way, ms: options.waitMsMax });
    const following = { target, job, answer, clock: io.clock, budget, tell: line.tell };
    return { found, progress: await follow(following, asking) };
  } finally {
    line.end();
    budget.close();
  }
}

function wanting(io: Io, settings: Settings, of: { name: string; ms: number }): Wanting {
  const stores = storesOf(settings);
  const origin = { name: 'submit', namespace: 'default', container: 'main' };
  const plan = barePlan({ origin, stores, policy: DEFAULT_POLICY, placements: [] });
  const context: StoresContext = { io, objects: [], trace: NO_TRACE, made: new Map() };
  const budget = openBudget(io.clock, of.ms);
  const opening = { name: of.name, budget, attemptsMax: ATTEMPTS_MAX, waiting: [] };
  return { plan, context, opening };
}

/** Writes what is spilled to its store, by attempts within minutes; throws where it cannot. */
export async function uploadSpilled(
  io: Io,
  { store, path, bytes }: Spilled,
  settings: Settings,
): Promise<void> {
  const { plan, context, opening } = wanting(io, settings, { name: store, ms: UPLOAD_MS_MAX });
  const opened = await openStore(plan, context, opening);
  const expireDays = settings.submit?.expireDays ?? EXPIRE_DAYS_DEFAULT;
  if (opened.put === undefined) {
    const what = 'this kind of store cannot be written to';
    throw new BellhopError('BH_ERR_SETTINGS', { where: [`store ${store}`], what });
  }
  await opened.put(path, bytes, { expireDays, isNamedByContent: true });
  opening.budget.end();
}

/** Region and identity of the API are those of the store that `submit.via` names. */
async function senderFor(io: Io, { settings, target }: SendOptions, of: Calling): Promise<Sender> {
  const { way } = of;
  const options = viaOptions(settings, way.options);
  const wants = wanting(io, settings, { name: target.name, ms: of.ms });
  const perCall = { paths: 1, inFlight: 1 };
  const send = await way.open(options, await storeContext(wants, { perCall, places: way.places }));
  return async (request, codes) => {
    try {
      return await send(request, codes);
    } catch (error) {
      throw error instanceof BellhopError ? ofTarget(error) : error;
    }
  };
}

interface Calling {
  readonly way: CallWay;
  readonly ms: number;
}

/** A family of APIs: what of a store's options its calls share with it. */
interface CallWay {
  readonly options: OptionSpecs;
  readonly places: readonly string[];
  open(options: Options, context: StoreContext): Promise<Sender>;
}

const AWS_WAY: CallWay = {
  options: AWS_OPTIONS,
  places: AWS_PLACES,
  open: async (options, context) => {
    const { openAwsCalls } = await import('../submit/call-aws.ts');
    return openAwsCalls(options, context);
  },
};

const GOOGLE_WAY: CallWay = {
  options: GOOGLE_OPTIONS,
  places: [],
  open: async (options, context) => {
    const { openGoogleCalls } = await import('../submit/call-google.ts');
    return openGoogleCalls(options, context);
  },
};

function wayOf(requests: readonly Request[]): CallWay {
  return requests.some(({ send }) => send.by === 'google rest') ? GOOGLE_WAY : AWS_WAY;
}

/** What the store of `submit.via` says of region and identity; where its API is, it does not. */
function viaOptions(settings: Settings, specs: OptionSpecs): Options {
  const via = settings.submit?.via;
  const { kind: _, ...given } =
    via === undefined ? { kind: '' } : (storesOf(settings)[via] ?? { kind: '' });
  const options = Object.fromEntries(
    Object.entries(given).filter(([name]) => Object.hasOwn(specs, name) && name !== 'endpoint'),
  );
  const [problem] = optionProblems(specs, options, 'submit.via');
  if (problem === undefined) return options;
  throw new BellhopError('BH_ERR_SETTINGS', { where: ['submit.via'], what: problem.what });
}

/** The platform is no store of the user's. */
function ofTarget({ code, where, what, help, cause }: BellhopError): BellhopError {
  const steps = where.map((step) => step.replace(/^store /, ''));
  return new BellhopError(code, { where: steps, what, help, cause });
}

/** A line that is written over, on a terminal; elsewhere nothing. */
function progressLine(io: Io, head: string) {
  const isShown = io.isTerminal(2);
  const beganMs = io.clock.monotonicMs();
  let width = 0;
  const write = (text: string): void => {
    io.stderr(`\r${text.padEnd(width)}`);
    width = text.length;
  };
  return {
    tell: ({ said }: Progress): void => {
      const seconds = Math.round((io.clock.monotonicMs() - beganMs) / 1000);
      if (isShown)
        write(`${printable(head)}: ${printable(said)}, ${seconds} s`.slice(0, io.columns() - 1));
    },
    end: (): void => {
      if (isShown && width > 0) io.stderr(`\r${' '.repeat(width)}\r`);
    },
  };
}
