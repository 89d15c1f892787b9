import type { Json } from '../core/canonical.ts';
import { canonicalJson, digestOf } from '../core/canonical.ts';
import { EMBEDDED } from '../plan/bind.ts';
import type { Bundle, BundledObject } from '../plan/bundle.ts';
import { bundleDigest, printBundle } from '../plan/bundle.ts';
import type { Parameter } from '../plan/hyperparameters.ts';
import { printParameters } from '../plan/hyperparameters.ts';
import type { FilePlacement, Plan } from '../plan/types.ts';
import type { Target, Variable } from '../targets/_target.ts';
import { startUser } from './container.ts';
import type { Natively } from './native.ts';
import { literalsOf, nativeSecrets } from './native.ts';
import type { Pointer } from './pointer.ts';
import { objectPath } from './pointer.ts';
import type { Frame, Split } from './split.ts';
import { breachesIn, fits, split } from './split.ts';
import type { PrintedBundle, SpillPlace, WayFacts, WaysInput } from './ways.ts';
import { pointers } from './ways.ts';

/** Hyperparameters of the job, and where the program reads them beside the platform's own file. */
export interface JobParameters {
  readonly parameters: readonly Parameter[];
  /** They are in a ConfigMap of the input, whose mounts deliver them too. */
  readonly isInPod: boolean;
  readonly file?: { readonly path: string; readonly content: Uint8Array };
}

/** Everything that a submission is made from. The same input gives the same submission. */
export interface SubmitInput extends WaysInput {
  /** ConfigMaps of the input that the plan refers to. */
  readonly objects: readonly BundledObject[];
  readonly parameters?: JobParameters;
  readonly image: string;
  /** Instead of a name made from the workload's. */
  readonly name?: string;
  /** The executable in the image. */
  readonly bellhop: string;
  /** Variables that are to be in the request, and not in the plan. */
  readonly plain?: readonly Variable[];
  /** Those are all variables of the request: none of the plan stands there too. */
  readonly isPlainAll?: boolean;
  /** Keys of secrets are left to the platform too, where it has them: their values are texts. */
  readonly nativeKeys?: boolean;
}

/** What goes to the other place before the request is sent. */
export interface Spilled {
  readonly store: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What is to be done, and where everything went. */
export interface Submission {
  readonly split: Split;
  /** The plan as the container will carry it out. */
  readonly bundle: Bundle;
  readonly digest: string;
  readonly spilled?: Spilled;
  /** Why the plan could not stand in the request. */
  readonly whySpilled?: string;
  /** True where the user has given the name, which then says nothing of the content. */
  readonly hasOwnName: boolean;
  /** True where the request has no room for the plan, and there is no other place. */
  readonly isHomeless: boolean;
  readonly isIsolated: boolean;
  /** Bytes of all hyperparameters as one JSON object. */
  readonly parametersBytes: number;
  readonly parameterNames: ReadonlySet<string>;
}

/** Makes the requests of a job, and what is spilled beside them. Pure. */
export function prepare(input: SubmitInput): Submission {
  const { target, plan, given } = input;
  const parameters = input.parameters?.parameters ?? [];
  // They may be megabytes: printed once.
  const flat = printParameters(parameters);
  const frame = frameOf(input, flat);
  const areNative = fitsNatively(input, frame, parameters);
  const way: WayFacts = {
    isIsolated: target.isIsolated?.({ given }) ?? false,
    spillsParameters: parameters.length > 0 && !areNative,
  };
  const common = { frame, way, flat, hyperparameters: areNative ? parameters : [] };
  const keys = input.nativeKeys === true;
  let natively = nativeSecrets(plan, target, { given, keys, allows: () => true });
  // What has no room natively is fetched by the entrypoint: then the plan is another one.
  for (;;) {
    const made = madeFrom(input, natively, common);
    const kept = new Set(made.split.job.secrets.map(({ name }) => name));
    if (kept.size === natively.secrets.length) return made;
    natively = nativeSecrets(plan, target, { given, keys, allows: (name) => kept.has(name) });
  }
}

interface Common {
  readonly frame: Frame;
  readonly way: WayFacts;
  readonly hyperparameters: readonly Parameter[];
  /** All of them as one JSON object of strings. */
  readonly flat: Uint8Array;
}

function madeFrom(input: SubmitInput, natively: Natively, common: Common): Submission {
  const { frame, way, hyperparameters, flat } = common;
  const { target, spill, parameters: { parameters = [] } = {} } = input;
  const bundle = bundleOf(input, natively.plan, way.spillsParameters ? flat : undefined);
  const bytes = printBundle(bundle);
  const digest = bundleDigest(bytes);
  // A name that is given does not tell content from other content: what is there must say it.
  const isNamed = input.name !== undefined && input.isOver !== true;
  const own: Variable[] = isNamed ? [['BELLHOP_JOB', frame.digest]] : [];
  const ways = pointers(input, { bytes, digest }, way).map((one) => {
    return { ...one, variables: [...one.variables, ...own] };
  });
  const pointer = bestOf(ways, input, common);
  const wishes = { hyperparameters, secrets: natively.secrets, variables: wishedFor(input) };
  const isSpilled = pointer !== undefined && pointer.kind !== 'inline' && spill !== undefined;
  return {
    split: split(target, frame, { ...wishes, pointer: pointer ?? NO_POINTER }),
    bundle,
    digest,
    ...(isSpilled ? { spilled: spilledTo(spill, { bytes, digest }), ...whyOf(pointer, way) } : {}),
    hasOwnName: input.name !== undefined,
    isHomeless: pointer === undefined,
    isIsolated: way.isIsolated,
    parametersBytes: flat.byteLength,
    parameterNames: new Set(parameters.map(([name]) => name)),
  };
}

/** Of ways to the plan, the best first: where variables must be in the request, it makes room. */
function bestOf(
  ways: readonly Pointer[],
  { target, plain = [] }: SubmitInput,
  { frame, hyperparameters }: Common,
): Pointer | undefined {
  const withThese = (variables: readonly Variable[]): Pointer | undefined => {
    return ways.find((pointer) => fits(target, frame, { pointer, hyperparameters, variables }));
  };
  return withThese(plain) ?? withThese([]) ?? ways.at(-1);
}

/** Variables that the request may have, by need. */
function wishedFor({ plan, plain = [], isPlainAll = false }: SubmitInput): readonly Variable[] {
  return isPlainAll ? plain : [...plain, ...literalsOf(plan)];
}

const NO_POINTER: Pointer = { kind: 'inline', variables: [] };

function whyOf(pointer: Pointer, { spillsParameters }: WayFacts): { whySpilled: string } {
  if (pointer.kind === 'object') return { whySpilled: 'the request has no room for the plan' };
  return {
    whySpilled: spillsParameters
      ? 'the hyperparameters are over the caps of the request'
      : 'the container will have no network',
  };
}

function spilledTo({ store, path }: SpillPlace, { bytes, digest }: PrintedBundle): Spilled {
  return { store, path: objectPath(path, digest), bytes };
}

/** The name and the digest are of everything that was given, however it is split. */
function frameOf(input: SubmitInput, flat: Uint8Array): Frame {
  const { target, plan, needs, image, objects } = input;
  const digest = digestOf(
    canonicalJson({
      target: target.name,
      plan,
      needs,
      image,
      given: target.operations.map((one): Json => input.given(one)),
      start: [input.bellhop, input.isStartedByImage],
      spill: input.spill === undefined ? null : [input.spill.stores, input.spill.path],
      parameters: bundleDigest(flat),
      file: input.parameters?.file?.path ?? '',
      ...(input.plain === undefined ? {} : { plain: input.plain }),
      objects: objects.map((one) => [
        one.namespace,
        one.name,
        one.values.map(({ key, bytes, isBinary }) => [key, bundleDigest(bytes), isBinary]),
      ]),
    }),
  ).slice('sha256:'.length);
  const isStarted = input.isStartedByImage || target.start === 'image';
  const user = startUser(input);
  return {
    name: input.name ?? target.nameOf(plan.origin.name, digest),
    digest,
    image,
    container: plan.origin.container,
    start: isStarted ? [] : [input.bellhop, 'run', ...(input.hasArguments === true ? ['--'] : [])],
    needs,
    ...(user === undefined ? {} : { user }),
    given: input.given,
  };
}

/** Whether the platform's own field takes all of the hyperparameters. */
function fitsNatively(
  { target }: SubmitInput,
  frame: Frame,
  hyperparameters: readonly Parameter[],
): boolean {
  if (target.hyperparameters === undefined || hyperparameters.length === 0) return false;
  const job = { ...frame, variables: [], secrets: [] };
  const without = breachesIn(target, { ...job, hyperparameters: [] }).length;
  return breachesIn(target, { ...job, hyperparameters }).length === without;
}

/** No Kubernetes object can have this name. */
const PARAMETERS = 'bellhop..hyperparameters';
const FLAT = 'hyperparameters.json';
const WRITTEN = 'written.json';

/** What the platform's own shell adds on the way is no variable of the pod's. */
function stripped({ strips = [] }: Target, plan: Plan): Plan {
  const stripEnv = [...new Set([...plan.policy.stripEnv, ...strips])];
  return strips.length === 0 ? plan : { ...plan, policy: { ...plan.policy, stripEnv } };
}

/** Whose index counts is known now: what else is in the environment says nothing of this job. */
function toldIndex({ indexVariable }: Target, plan: Plan): Plan {
  if (plan.index === undefined) return plan;
  const toldBy = indexVariable === undefined ? [] : [indexVariable];
  return { ...plan, index: { ...plan.index, toldBy } };
}

/** The plan with what only this target needs of it, what is spilled of the parameters with it. */
function bundleOf(input: SubmitInput, own: Plan, spilled: Uint8Array | undefined): Bundle {
  const { parameters: { file } = {}, target, objects } = input;
  const plan = toldIndex(target, stripped(target, own));
  const { namespace } = plan.origin;
  const called = 'submit.hyperparameters';
  const path = `configmap/${namespace}/${PARAMETERS}`;
  const bound = (member: string) => {
    return { reference: { store: EMBEDDED, path }, member, called } as const;
  };
  const common = {
    kind: 'file',
    mode: 0o644,
    medium: 'disk',
    rule: `bellhop.yaml ${called}`,
  } as const;
  const placements: FilePlacement[] = [];
  const values: { key: string; bytes: Uint8Array; isBinary: boolean }[] = [];
  if (spilled !== undefined && target.hyperparameters !== undefined) {
    const source = { kind: 'hyperparameters', bound: bound(FLAT) } as const;
    placements.push({ ...common, path: target.hyperparameters.path, source });
    values.push({ key: FLAT, bytes: spilled, isBinary: false });
  }
  if (file !== undefined) {
    const source = { kind: 'value', bound: bound(WRITTEN) } as const;
    placements.push({ ...common, path: file.path, source });
    values.push({ key: WRITTEN, bytes: file.content, isBinary: false });
  }
  if (placements.length === 0) return { plan, objects };
  const needsReader = placements.some((one) => one.source.kind === 'hyperparameters');
  return {
    plan: {
      ...plan,
      requires: needsReader ? [...plan.requires, 'hyperparameters'] : plan.requires,
      stores: { ...plan.stores, [EMBEDDED]: { kind: EMBEDDED } },
      placements: [...plan.placements, ...placements],
    },
    objects: [...objects, { name: PARAMETERS, namespace, values }],
  };
}
