// Bad pods: names, numbers, sizes, paths.
import type { Row } from './_manifests.ts';
import { POD, container, mounted, pod } from './_manifests.ts';
import { CANARY } from './_run.ts';

export const ROWS: readonly Row[] = [
  // Names, numbers, sizes.
  [
    'a name with =',
    pod(container('env: [{name: A=B, value: x}]')),
    ['BH_ERR_POD_INVALID'],
    "other than '='",
  ],
  [
    'a name with NUL',
    pod(container('env: [{name: "A\\0", value: x}]')),
    ['BH_ERR_POD_INVALID'],
    'env[0].name',
  ],
  [
    'a key that gives a name with =',
    pod(container('envFrom: [{prefix: A=, secretRef: {name: s}}]')),
    ['BH_ERR_POD_INVALID'],
    'envFrom[0].prefix',
  ],
  [
    'a NUL in a value',
    pod(
      container('env: [{name: A, valueFrom: {secretKeyRef: {name: z, key: k}}}]').replace(
        '---',
        `---\n{kind: Secret, metadata: {name: z}, data: {k: ${Buffer.from(`${CANARY}\0`).toString('base64')}}}\n---`,
      ),
    ),
    ['BH_ERR_VALUE'],
    'variable A',
  ],
  [
    'a NUL in an argument',
    pod(container('command: [/bin/sh, "a\\0b"]'), { args: ['-f', 'pod.yaml', '--'] }),
    ['BH_ERR_VALUE'],
    'argument 1',
  ],
  [
    'numbers that are too large',
    pod(
      container(
        'securityContext: {runAsUser: 99999999999999999999}, ports: [{containerPort: 1e300}]',
        ', securityContext: {fsGroup: 1e300}',
      ),
    ),
    ['BH_ERR_POD_INVALID', 'BH_ERR_POD_INVALID'],
    'between 0 and 2147483647',
  ],
  [
    'a quantity of 1e400',
    pod(container('resources: {limits: {memory: "1e400"}}')),
    ['BH_ERR_POD_INVALID'],
    'not a quantity',
  ],
  [
    'a ConfigMap of 1 MiB and 1 byte',
    pod(`${POD}---\n{kind: ConfigMap, metadata: {name: m}, data: {k: "${'x'.repeat(1_048_577)}"}}`),
    ['BH_ERR_POD_INVALID'],
    'its values have 1048577 bytes',
  ],
  [
    'a variable of 128 KiB',
    pod(container(`env: [{name: BIG, value: "${'x'.repeat(131_072)}"}]`)),
    ['BH_ERR_EXEC_TOO_BIG'],
    'variable BIG',
  ],
  [
    'variables of 3 MiB together',
    pod(
      container(
        `env: [${Array.from({ length: 30 }, (_, n) => `{name: V${n}, value: "${'x'.repeat(100_000)}"}`).join(', ')}]`,
      ),
    ),
    ['BH_ERR_EXEC_TOO_BIG'],
    'the environment',
  ],

  // Paths and links.
  [
    'an item path with ..',
    pod(mounted('secret: {secretName: s, items: [{key: k, path: a/../../x}]}')),
    ['BH_ERR_POD_INVALID'],
    "must not contain '..'",
  ],
  [
    'an absolute item path',
    pod(mounted('secret: {secretName: s, items: [{key: k, path: /etc/passwd}]}')),
    ['BH_ERR_POD_INVALID'],
    'must be a relative path',
  ],
  [
    'an item over ..data',
    pod(mounted('secret: {secretName: s, items: [{key: k, path: ..data}]}')),
    ['BH_ERR_POD_INVALID'],
    "must not start with '..'",
  ],
  [
    'a downward path with ..',
    pod(mounted('downwardAPI: {items: [{path: ../x, fieldRef: {fieldPath: metadata.name}}]}')),
    ['BH_ERR_POD_INVALID'],
    "must not contain '..'",
  ],
  [
    'a subPath out of the volume',
    pod(mounted('secret: {secretName: s}', 'mountPath: /bellhop-test/m, subPath: ../../etc')),
    ['BH_ERR_POD_INVALID'],
    "must not contain '..'",
  ],
  [
    'an absolute subPath',
    pod(mounted('secret: {secretName: s}', 'mountPath: /bellhop-test/m, subPath: /etc')),
    ['BH_ERR_POD_INVALID'],
    'must not be an absolute path',
  ],
  [
    'a subPathExpr that climbs by a value',
    pod(
      container(
        'env: [{name: UP, value: ".."}], volumeMounts: [{name: v, mountPath: /bellhop-test/m, subPathExpr: a/$(UP)}]',
        ', volumes: [{name: v, secret: {secretName: s}}]',
      ),
    ),
    ['BH_ERR_VALUE'],
    "must not contain '..'",
  ],
  [
    'an unknown variable in a subPathExpr',
    pod(mounted('secret: {secretName: s}', 'mountPath: /bellhop-test/m, subPathExpr: $(NOPE)')),
    ['BH_ERR_VALUE'],
    'there is no variable NOPE',
  ],
  [
    'one path for a file and a folder',
    pod(mounted('secret: {secretName: s, items: [{key: k, path: a}, {key: other, path: a/b}]}')),
    ['BH_ERR_VALUE'],
    'is both a file and a folder',
  ],
  [
    'a path of 300 characters',
    pod(mounted(`secret: {secretName: s, items: [{key: k, path: ${'x'.repeat(300)}}]}`)),
    ['BH_ERR_VALUE'],
    'no element of more than 255 bytes',
  ],
  [
    'a mount path with NUL',
    pod(mounted('secret: {secretName: s}', 'mountPath: "/bellhop-test/a\\0b"')),
    ['BH_ERR_POD_INVALID'],
    'must not contain a NUL byte',
  ],
  [
    'two mounts at one path',
    pod(
      container(
        'volumeMounts: [{name: v, mountPath: /bellhop-test/m}, {name: v, mountPath: /bellhop-test/m}]',
        ', volumes: [{name: v, secret: {secretName: s}}]',
      ),
    ),
    ['BH_ERR_POD_INVALID'],
    'must be unique',
  ],
  [
    'a mount of no volume',
    pod(container('volumeMounts: [{name: nope, mountPath: /bellhop-test/m}]')),
    ['BH_ERR_POD_INVALID'],
    'there is no volume nope',
  ],
  [
    'two volumes of one name',
    pod(
      container(
        'args: [a]',
        ', volumes: [{name: v, emptyDir: {}}, {name: v, secret: {secretName: s}}]',
      ),
    ),
    ['BH_ERR_POD_INVALID'],
    'the name occurs twice',
  ],
];
