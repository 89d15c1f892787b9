// What is missing, and what would draw on a terminal.
import type { Row } from './_manifests.ts';
import { POD, container, mounted, pod } from './_manifests.ts';
import { CANARY } from './_run.ts';

export const ROWS: readonly Row[] = [
  // What is missing.
  [
    'a Secret that is nowhere',
    pod(container('env: [{name: A, valueFrom: {secretKeyRef: {name: x, key: k}}}]')),
    ['BH_ERR_UNBOUND'],
    'secret x, key k',
  ],
  [
    'a key that the Secret has not',
    pod(container('env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: nope}}}]')),
    ['BH_ERR_MISSING'],
    'it has no key nope; keys there: k, other',
  ],
  [
    'a Secret for a volume',
    pod(mounted('secret: {secretName: x}')),
    ['BH_ERR_UNBOUND'],
    'secret x',
  ],
  [
    'a Secret called like a member of every object',
    pod(container('env: [{name: A, valueFrom: {secretKeyRef: {name: constructor, key: k}}}]')),
    ['BH_ERR_UNBOUND'],
    'secret constructor',
  ],
  [
    'a key called like a member of every object',
    pod(
      container(
        'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: toString}}}, {name: B, valueFrom: {secretKeyRef: {name: s, key: __proto__}}}]',
      ),
    ),
    ['BH_ERR_MISSING', 'BH_ERR_MISSING'],
    'it has no key toString',
  ],
  [
    'a Secret called __proto__',
    pod(`${POD}---\n{kind: Secret, metadata: {name: __proto__}, stringData: {k: ${CANARY}}}`),
    ['BH_ERR_POD_INVALID'],
    'Secret __proto__, metadata.name',
  ],
  [
    'no command anywhere',
    pod(POD, { args: ['-f', 'pod.yaml', '--'] }),
    ['BH_ERR_NO_COMMAND'],
    'says what to start',
  ],

  // Terminals.
  [
    'control characters in names',
    pod(
      `{kind: Pod, metadata: {name: "p\\e[31m"}, spec: {containers: [{name: "c\\e]0;x\\a"}], volumes: [{name: "v\\u202e"}, {name: "v\\r\\n"}]}}`,
    ),
    ['BH_ERR_POD_INVALID', 'BH_ERR_POD_INVALID', 'BH_ERR_POD_INVALID', 'BH_ERR_POD_INVALID'],
    'Pod p\\u001b[31m',
  ],
  [
    'control characters in a key that is asked for',
    pod(container('env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: "k\\e[2J"}}}]')),
    ['BH_ERR_POD_INVALID'],
    'secretKeyRef.key',
  ],
  [
    'control characters in a flag',
    pod(POD, { args: ['-f', 'pod.yaml', '--workload', 'a\x1b[31m'] }),
    ['BH_ERR_WORKLOAD'],
    'a\\u001b[31m',
  ],
];
