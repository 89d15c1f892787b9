import { canonicalJson } from '../core/canonical.ts';
import { BellhopError } from '../core/errors.ts';
import { Sealed } from '../core/sealed.ts';
import type { DataObject } from '../wire/objects.ts';
import { isRecord } from '../wire/read.ts';
import type { Expected } from './document.ts';
import { printPlan, readPlan } from './document.ts';
import type { Plan } from './types.ts';

// A plan on its way to a container, with the ConfigMaps of the input that it refers to: one line of
// canonical JSON (RFC 8785), the plan as a document on a line, then the values one behind the
// other, as bytes. Never a Secret's.

/** The version that this code writes and reads. */
export const BUNDLE_VERSION = 'bellhop/bundle/v1';

/** What a store gives at once; a container holds all of it in memory once. */
export const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;

/** What a platform has downloaded itself: 64 MiB of hyperparameters in both of their forms. */
export const CHANNEL_BYTES_MAX = 3 * BUNDLE_BYTES_MAX;

/** One value of the bundle. */
export interface BundledValue {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** From `binaryData`, which never becomes a variable. */
  readonly isBinary: boolean;
}

/** A ConfigMap, or the part of it that the plan refers to. */
export interface BundledObject {
  readonly name: string;
  readonly namespace: string;
  readonly values: readonly BundledValue[];
}

export interface Bundle {
  readonly plan: Plan;
  readonly objects: readonly BundledObject[];
}

const NEWLINE = 0x0a;

/** The same plan and objects give the same bytes. */
export function printBundle({ plan, objects }: Bundle): Uint8Array {
  const header = canonicalJson({
    apiVersion: BUNDLE_VERSION,
    objects: objects.map(({ name, namespace, values }) => ({
      name,
      namespace,
      values: values.map(({ key, bytes, isBinary }) => ({
        key,
        bytes: bytes.byteLength,
        ...(isBinary ? { binary: true } : {}),
      })),
    })),
  });
  const parts = objects.flatMap(({ values }) => values.map(({ bytes }) => bytes));
  return Buffer.concat([Buffer.from(`${header}\n${printPlan(plan)}`), ...parts]);
}

/** `sha256:` and the digest of a bundle's bytes. */
export function bundleDigest(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`;
}

/** True for what begins as a bundle does; a plan of its own begins otherwise. */
export function isBundle(bytes: Uint8Array): boolean {
  const start = '{"apiVersion":"bellhop/bundle/';
  return Buffer.from(bytes.subarray(0, start.length)).toString('latin1') === start;
}

/**
 * Reads a bundle whose digest must be `expected` where that is given. Throws BH_ERR_PLAN; nothing
 * of what it holds is in the message.
 */
export function readBundle(
  bytes: Uint8Array,
  name: string,
  expected?: Expected,
): { readonly plan: Plan; readonly objects: readonly DataObject[] } {
  const refuse = (what: string): BellhopError => {
    return new BellhopError('BH_ERR_PLAN', { where: [name], what });
  };
  const real = bundleDigest(bytes);
  if (expected !== undefined && expected.digest !== real) {
    throw refuse(`is another bundle than ${expected.by} says (it is ${real})`);
  }
  const end = bytes.indexOf(NEWLINE);
  const planEnd = end < 0 ? -1 : bytes.indexOf(NEWLINE, end + 1);
  const header = jsonOf(bytes.subarray(0, Math.max(end, 0)));
  if (planEnd < 0 || !isRecord(header)) throw refuse('is not a bundle');
  if (header['apiVersion'] !== BUNDLE_VERSION) {
    throw refuse(`has a version that this bellhop does not read (it reads ${BUNDLE_VERSION})`);
  }
  const plan = readPlan(new TextDecoder().decode(bytes.subarray(end + 1, planEnd)), name);
  const objects = objectsOf(header['objects'], bytes.subarray(planEnd + 1));
  if (objects === undefined) throw refuse('is cut off, or not what its first line says');
  return { plan, objects };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** Undefined where the lengths are not those of the bytes. */
function objectsOf(listed: unknown, bytes: Uint8Array): DataObject[] | undefined {
  let at = 0;
  const objects = recordsIn(listed).map((one): DataObject => {
    const entries = recordsIn(one['values']).map((value): [string, Sealed] => {
      const length = typeof value['bytes'] === 'number' ? value['bytes'] : NaN;
      const content = bytes.subarray(at, at + length);
      at += length;
      const facts = value['binary'] === true ? { binary: true } : {};
      return [String(value['key']), new Sealed(content, facts)];
    });
    const { name, namespace } = one;
    return {
      kind: 'ConfigMap',
      name: String(name),
      namespace: String(namespace),
      entries: new Map(entries),
    };
  });
  return at === bytes.byteLength ? objects : undefined;
}

function recordsIn(list: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
