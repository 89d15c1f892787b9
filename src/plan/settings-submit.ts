import * as v from 'valibot';
import { name, setting, words } from './settings-parts.ts';

// The section `submit` of bellhop.yaml: what a platform's request needs that no pod says.

const scalar = v.union([v.string(), v.number(), v.boolean(), v.null()]);

const hyperparameters = v.strictObject({
  configMap: setting(
    v.union([name, v.pipe(v.array(name), v.minLength(1))]),
    'The ConfigMap of the input that has them, or several that have them together, since one holds 1 MiB; their mounts stay as they are',
  ),
  key: setting(
    name,
    'The key whose value is a JSON object of them, the same in each ConfigMap; without it each key is one of them',
  ),
  file: setting(name, 'A file with a JSON object of them, instead of a ConfigMap; absolute'),
  values: setting(
    v.record(name, v.union([scalar, v.array(v.unknown()), v.looseObject({})])),
    'Themselves, instead of a ConfigMap',
  ),
  path: setting(
    v.pipe(v.string(), v.startsWith('/')),
    'Where the program reads those of `file` or `values`, as one JSON object',
  ),
});

/** `submit` of bellhop.yaml. */
export const SUBMIT = v.strictObject({
  spill: setting(
    name,
    'Where the plan goes when the request has no room for it: `store:path` of a folder; templates as in bindings',
  ),
  via: setting(
    name,
    "The AWS store by whose region and identity the platform's API is called; AWS's own variables and files where absent",
  ),
  expireDays: setting(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3650)),
    'How long what was spilled is needed, told to the store as a tag or a lease (30 where absent)',
  ),
  bellhop: setting(
    name,
    'The executable in the image; `bellhop`, looked up in its PATH, where absent',
  ),
  startedBy: setting(
    v.picklist(['request', 'image']),
    "image: the image's ENTRYPOINT is `bellhop run --` already. request: what is sent starts it (so where absent, but `adapt` must be told it of definitions that RunTask and SubmitJob run)",
  ),
  nativeKeys: setting(
    v.boolean(),
    'true: one key of a JSON secret, named by its ARN, is left to ECS and Batch too; its value must be a string, as they print numbers and objects in a way of their own',
  ),
  image: setting(name, "The image of the job, where it is another than the pod's"),
  without: setting(
    words,
    'What the job can do without: names of containers, `hostNetwork`, `privileged`, `livenessProbe` and the like',
  ),
  hyperparameters: setting(
    hyperparameters,
    'Parameters that the platform has a way of its own for',
  ),
  targets: setting(
    v.record(name, v.record(name, v.looseObject({}))),
    "By target and operation the request's own fields: roles, instance types, queues",
  ),
});

/** What the section says. */
export type SubmitSettings = v.InferOutput<typeof SUBMIT>;
