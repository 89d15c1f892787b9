// Pods whose annotations ask for secrets: who answers them is handed in, and loaded only for them.
import type { BellhopError } from '../core/errors.ts';
import type { AnnotatedValue } from '../plan/annotated.ts';
import type { Workload } from '../plan/declaration.ts';
import { podOf, templateOf } from '../plan/declaration.ts';
import type { Settings } from '../plan/settings.ts';
import type { StoreOptions } from '../plan/types.ts';
import { SECRET_ANNOTATION } from '../wire/flyte-names.ts';
import type { Pod } from '../wire/pod-types.ts';
import type { Path, Source } from '../wire/read.ts';
import { isRecord } from '../wire/read.ts';

/** A pod, or a template of pods, that asks for secrets by annotations. */
export interface AskingPod {
  /** As it was written; not checked. */
  readonly template: Readonly<Record<string, unknown>>;
  /** Where it stands in its document. */
  readonly at: Path;
  readonly namespace: string;
  readonly settings: Settings;
  /** bellhop.yaml, where there is one. */
  readonly source?: Source;
}

/** The same with what its annotations ask for. */
export interface AnsweredPod {
  readonly template: unknown;
  /** Where elements of its lists come from that do not stand where they were written. */
  readonly origins: ReadonlyMap<unknown, Path>;
  readonly values: readonly AnnotatedValue[];
  /** Stores that nobody has declared, with what they need. */
  readonly stores: Readonly<Record<string, StoreOptions>>;
  readonly problems: readonly BellhopError[];
  readonly warnings: readonly string[];
}

export type AnswerAnnotations = (pod: AskingPod) => Promise<AnsweredPod>;

/** A pod, read with what its annotations ask for. */
export type ReadAnnotated = Omit<AnsweredPod, 'template' | 'origins'> & { readonly pod: Pod };

/** What a pod without such annotations asks for. */
export const NOTHING_ASKED = { values: [], stores: {}, problems: [], warnings: [] };

/** Reads a workload's pod; annotations that ask for secrets mean nothing where nobody answers. */
export async function readAnnotated(
  workload: Workload,
  answer: AnswerAnnotations | undefined,
  about: Omit<AskingPod, 'template' | 'at'>,
): Promise<ReadAnnotated> {
  const place = templateOf(workload);
  if (answer === undefined || !isRecord(place.value) || !isAsking(place.value)) {
    return { ...NOTHING_ASKED, pod: podOf(workload) };
  }
  const asking = { ...about, template: place.value, at: place.path };
  const { template, origins, ...answered } = await answer(asking);
  return { ...answered, pod: podOf(workload, { ...place, value: template, origins }) };
}

function isAsking({ metadata }: AskingPod['template']): boolean {
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined;
  if (!isRecord(annotations)) return false;
  return Object.keys(annotations).some((name) => name.startsWith(SECRET_ANNOTATION));
}
