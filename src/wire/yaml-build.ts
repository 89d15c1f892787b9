// Follows decode.go of sigs.k8s.io/yaml v1.4.0, goyaml.v2, and convertToJSONableObject of yaml.go.
import { isMergeKey, keyOf, meant, scalarOf } from './yaml-node.ts';
import type { Key, Node, Parsed } from './yaml-node.ts';
import { problemAt } from './yaml-source.ts';
import type { YamlProblem } from './yaml-source.ts';

interface Built {
  readonly value: unknown;
  /** How many nodes Go would decode for it, aliases counted as what they mean. */
  readonly nodes: number;
}

interface State {
  readonly parsed: Parsed;
  readonly aliasNodesMax: number;
  /** The values of anchored nodes; undefined while one is being made. */
  readonly anchored: Map<Node, Built | undefined>;
  /** The types of keys that were not strings, of those mappings that have such keys. */
  readonly keyTypes: Map<unknown, Map<string, string>>;
  nodes: number;
  aliased: number;
}

type Mapping = Record<string, unknown>;

/** Makes the value of one document; what aliases share in the text is shared in the value. */
export function build(parsed: Parsed, aliasNodesMax: number): unknown {
  const state: State = {
    parsed,
    aliasNodesMax,
    anchored: new Map(),
    keyTypes: new Map(),
    // Go counts the document as a node too.
    nodes: 1,
    aliased: 0,
  };
  return valueOf(state, parsed.root);
}

function valueOf(state: State, node: Node): unknown {
  if (node.kind === 'alias') return aliasValue(state, node);
  if (!node.anchored) return ownValue(state, node);
  const before = state.nodes;
  state.anchored.set(node, undefined);
  const value = ownValue(state, node);
  state.anchored.set(node, { value, nodes: state.nodes - before });
  return value;
}

function ownValue(state: State, node: Node): unknown {
  state.nodes += 1;
  if (node.kind === 'mapping') return mappingValue(state, node);
  if (node.kind === 'list') return node.items.map((item) => valueOf(state, item));
  const scalar = scalarOf(node, state.parsed.grammar);
  if (scalar.kind === 'refused') throw refuse(state, node, scalar.what);
  if (scalar.kind === 'float' && !Number.isFinite(scalar.value)) {
    throw refuse(state, node, 'JSON has no infinity and no not-a-number');
  }
  return scalar.value;
}

function aliasValue(state: State, node: Node): unknown {
  const target = meant(node);
  // The key of a merge is anchored, but has no value of its own before an alias asks for it.
  if (!state.anchored.has(target)) valueOf(state, target);
  const built = state.anchored.get(target);
  if (built === undefined) throw refuse(state, node, 'an anchor contains an alias to itself');
  countAlias(state, node, built.nodes);
  return built.value;
}

function countAlias(state: State, node: Node, nodes: number): void {
  state.nodes += nodes + 1;
  state.aliased += nodes;
  // The rule of Go's decoder: aliases may only be so much of all that is decoded.
  const spread = Math.min(1, Math.max(0, (state.nodes - 400_000) / 3_600_000));
  const excessive =
    state.aliased > 100 && state.nodes > 1000 && state.aliased / state.nodes > 0.99 - 0.89 * spread;
  if (excessive || state.aliased > state.aliasNodesMax) {
    throw refuse(state, node, `aliases stand for too many nodes (${state.aliased})`);
  }
}

function mappingValue(state: State, { items }: Node): Mapping {
  const target: Mapping = {};
  for (let i = 0; i + 1 < items.length; i += 2) {
    const keyNode = items[i];
    const valueNode = items[i + 1];
    if (keyNode === undefined || valueNode === undefined) break;
    if (isMergeKey(keyNode)) {
      merge(state, target, valueNode);
      continue;
    }
    const key = keyOf(keyNode, state.parsed.grammar);
    if (key === undefined) {
      throw refuse(
        state,
        keyNode,
        'a mapping key must be text, a boolean, or a number of few digits',
      );
    }
    state.nodes += 1;
    if (keyNode.anchored)
      state.anchored.set(keyNode, { value: keyValue(keyNode, state), nodes: 1 });
    if (keyNode.kind === 'alias') countAlias(state, keyNode, 1);
    put(state, target, { key, value: valueOf(state, valueNode), from: keyNode });
  }
  return target;
}

/** Gives an anchored key as the value that an alias to it is. */
function keyValue(node: Node, state: State): unknown {
  const scalar = scalarOf(node, state.parsed.grammar);
  return scalar.kind === 'refused' ? undefined : scalar.value;
}

function put(
  state: State,
  target: Mapping,
  { key, value, from }: { key: Key; value: unknown; from: Node },
): void {
  const known = state.keyTypes.size === 0 ? undefined : state.keyTypes.get(target);
  if (known !== undefined || key.type !== 'string') {
    const types = known ?? new Map<string, string>();
    state.keyTypes.set(target, types);
    // Go would keep one of the two by chance.
    if (Object.hasOwn(target, key.text) && (types.get(key.text) ?? 'string') !== key.type) {
      throw refuse(state, from, 'two keys of different types are the same text in JSON');
    }
    types.set(key.text, key.type);
  }
  if (key.text === '__proto__') {
    const property = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(target, key.text, property);
  } else target[key.text] = value;
}

/** Merges at the place where the merge key stands: what comes later wins, as in Go. */
function merge(state: State, target: Mapping, node: Node): void {
  // In a list the earlier mapping wins.
  const sources = node.kind === 'list' ? node.items.toReversed() : [node];
  for (const from of sources) {
    if (meant(from).kind !== 'mapping') {
      throw refuse(state, from, 'a merge key needs a mapping or a list of mappings');
    }
    const mapping = valueOf(state, from) as Mapping;
    const types = state.keyTypes.get(mapping);
    for (const [text, value] of Object.entries(mapping)) {
      put(state, target, { key: { text, type: types?.get(text) ?? 'string' }, value, from });
    }
  }
}

function refuse(state: State, node: Node, what: string): YamlProblem {
  return problemAt(state.parsed.source, node.start, what);
}
