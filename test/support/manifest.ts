// Manifests as text, read by the real reader, for tests of what comes after it.
import type { BellhopError } from '../../src/core/errors.ts';
import { BellhopErrors, problemsOf } from '../../src/core/errors.ts';
import type { PlanInput, PlanResult } from '../../src/plan/build.ts';
import { buildPlan, chooseContainer } from '../../src/plan/build.ts';
import type { Declaration, InputDocument } from '../../src/plan/declaration.ts';
import { chooseWorkload, podOf, readDeclaration } from '../../src/plan/declaration.ts';
import { readSettings } from '../../src/plan/settings.ts';
import { NO_SETTINGS } from '../../src/plan/settings-use.ts';
import type { Pod } from '../../src/wire/pod-types.ts';
import { readDocuments } from '../../src/wire/yaml.ts';

/** The documents of a text, called `pod.yaml` in messages. */
export function documents(text: string, name = 'pod.yaml'): InputDocument[] {
  return readDocuments(text).map((document) => ({
    value: document.value,
    source: { name, locate: (path) => document.locate(path) },
  }));
}

/** The declaration of a text. */
export function declaration(text: string): Declaration {
  return readDeclaration(documents(text));
}

/** The only workload's pod, and all problems of the input as messages. */
export function readPodText(text: string): { pod: Pod; problems: string[] } {
  const read = declaration(text);
  const pod = podOf(chooseWorkload(read.workloads, undefined));
  return { pod, problems: read.problems.map((one) => one.message) };
}

/** A pod with one container `c`; both are given in flow style without the braces. */
export function podText(container: string, spec = '', metadata = 'name: p'): string {
  const more = spec === '' ? '' : `, ${spec}`;
  const own = container === '' ? '' : `, ${container}`;
  return `{apiVersion: v1, kind: Pod, metadata: {${metadata}}, spec: {containers: [{name: c${own}}]${more}}}`;
}

export interface Planned {
  readonly settings?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly node?: Readonly<Record<string, string>>;
  readonly image?: PlanInput['image'];
  readonly container?: string;
  readonly namespace?: string;
}

/** The plan of a text with its only workload; problems of reading come first. */
export function planText(text: string, options: Planned = {}): PlanResult & { input: PlanInput } {
  const read = declaration(text);
  const workload = chooseWorkload(read.workloads, undefined);
  const pod = podOf(workload);
  const [settingsDocument] =
    options.settings === undefined ? [] : documents(options.settings, 'b.yaml');
  const given =
    settingsDocument === undefined
      ? { settings: NO_SETTINGS, problems: [] }
      : readSettings(settingsDocument.value, settingsDocument.source);
  const input: PlanInput = {
    kind: workload.kind,
    workloadName: workload.name,
    pod,
    container: chooseContainer(pod, options.container),
    namespace: workload.namespace || options.namespace || 'default',
    objects: read.objects,
    services: read.services,
    settings: given.settings,
    image: options.image ?? {},
    fields: new Map(Object.entries(options.fields ?? {})),
    node: new Map(Object.entries(options.node ?? {})),
    hasVersions: () => false,
    storesBehind: () => [],
  };
  const result = buildPlan(input);
  const problems = [...new Set([...read.problems, ...given.problems, ...result.problems])];
  return { ...result, problems, input };
}

/** Every message of what an act throws; fails if it throws anything but our own errors. */
export function thrown(act: () => unknown): BellhopError[] {
  try {
    act();
  } catch (error) {
    const problems = problemsOf(error);
    if (error instanceof BellhopErrors || problems.every((one) => one.code !== 'BH_ERR_BUG')) {
      return [...problems];
    }
    throw error;
  }
  return [];
}
