// What the API server refuses in a pod beside its containers, and how it is told.

/** A volume `v` with these members. */
export const volume = (text: string): string => `volumes: [{name: v, ${text}}]`;

/** Spec in flow style, then the problem without its position. */
export const IN_SPEC: readonly [string, string][] = [
  ['volumes: [{emptyDir: {}}]', 'volumes[0]: name is required'],
  [
    'volumes: [{name: A_b}]',
    "volumes[0].name: must be lower case letters, digits and '-', starting and ending with a letter or digit",
  ],
  ['volumes: [x]', 'volumes[0]: must be an object, is a string'],
  ['volumes: [{name: v}, {name: v}]', 'volumes[1].name: the name occurs twice'],
  [
    volume('secret: {secretName: s}, configMap: {name: c}'),
    'volumes[0]: may have one source, has secret, configMap',
  ],
  [volume('secret: {}'), 'volumes[0].secret: secretName is required'],
  [volume('secret: s'), 'volumes[0].secret: must be an object, is a string'],
  [
    volume('downwardAPI: {items: [{path: a, fieldRef: x}]}'),
    'volumes[0].downwardAPI.items[0].fieldRef: must be an object, is a string',
  ],
  [
    volume('downwardAPI: {items: [{path: a, resourceFieldRef: x}]}'),
    'volumes[0].downwardAPI.items[0].resourceFieldRef: must be an object, is a string',
  ],
  [volume('downwardAPI: x'), 'volumes[0].downwardAPI: must be an object, is a string'],
  [volume('projected: x'), 'volumes[0].projected: must be an object, is a string'],
  [volume('emptyDir: x'), 'volumes[0].emptyDir: must be an object, is a string'],
  [volume('configMap: {}'), 'volumes[0].configMap: name is required'],
  [
    volume('secret: {secretName: s, defaultMode: 512}'),
    'volumes[0].secret.defaultMode: must be between 0 and 0777 (octal; 511 in JSON)',
  ],
  [
    volume('secret: {secretName: s, defaultMode: "0400"}'),
    'volumes[0].secret.defaultMode: must be a whole number, is a string',
  ],
  [
    volume('secret: {secretName: s, items: [{key: a}]}'),
    'volumes[0].secret.items[0]: path is required',
  ],
  [
    volume('secret: {secretName: s, items: [{path: a}]}'),
    'volumes[0].secret.items[0]: key is required',
  ],
  [
    volume('secret: {secretName: s, items: [{key: a, path: /a}]}'),
    'volumes[0].secret.items[0].path: must be a relative path',
  ],
  [
    volume('secret: {secretName: s, items: [{key: a, path: b/../../x}]}'),
    "volumes[0].secret.items[0].path: must not contain '..'",
  ],
  [
    volume('secret: {secretName: s, items: [{key: a, path: ..x}]}'),
    "volumes[0].secret.items[0].path: must not start with '..'",
  ],
  [
    volume('secret: {secretName: s, items: [{key: a, path: a, mode: -1}]}'),
    'volumes[0].secret.items[0].mode: must be between 0 and 0777 (octal; 511 in JSON)',
  ],
  [
    volume('secret: {secretName: s, items: [a]}'),
    'volumes[0].secret.items[0]: must be an object, is a string',
  ],
  [
    volume('downwardAPI: {items: [{path: a}]}'),
    'volumes[0].downwardAPI.items[0]: must have exactly one of fieldRef and resourceFieldRef',
  ],
  [
    volume('downwardAPI: {items: [{path: a, fieldRef: {fieldPath: status.podIP}}]}'),
    'volumes[0].downwardAPI.items[0].fieldRef.fieldPath: unsupported field status.podIP; supported: metadata.name, metadata.namespace, metadata.uid, metadata.labels, metadata.annotations',
  ],
  [
    volume('downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}'),
    'volumes[0].downwardAPI.items[0].resourceFieldRef: containerName is required in a volume',
  ],
  [
    volume('emptyDir: {sizeLimit: big}'),
    'volumes[0].emptyDir.sizeLimit: not a quantity that Kubernetes takes, such as 500m, 1.5 or 2Gi',
  ],
  [
    volume('projected: {sources: [{secret: {name: a}, configMap: {name: b}}]}'),
    'volumes[0].projected.sources[0]: may have one source',
  ],
  [
    volume(
      'projected: {sources: [{secret: {name: a, items: [{key: k, path: x}]}}, {configMap: {name: b, items: [{key: k, path: x}]}}]}',
    ),
    'volumes[0].projected.sources[1]: the path x occurs twice in this volume',
  ],
  [
    volume('projected: {sources: [{serviceAccountToken: {}}]}'),
    'volumes[0].projected.sources[0].serviceAccountToken: path is required',
  ],
  ['initContainers: [{name: c}]', 'containers[0].name: the name occurs twice'],
  [
    'initContainers: [{name: I}]',
    "initContainers[0].name: must be lower case letters, digits and '-', starting and ending with a letter or digit",
  ],
  ['enableServiceLinks: 1', 'enableServiceLinks: must be true or false, is a number'],
  ['securityContext: {fsGroup: x}', 'securityContext.fsGroup: must be a whole number, is a string'],
  [
    'securityContext: {supplementalGroups: [1, x]}',
    'securityContext.supplementalGroups[1]: must be a whole number, is a string',
  ],
  ['securityContext: []', 'securityContext: must be an object, is a list'],
];
