// What the API server refuses in a container, and how it is told.

/** Container or spec in flow style, then the problem without its position. */
export const IN_CONTAINER: readonly [string, string][] = [
  [
    'env: [{name: A, value: 1}]',
    'env[0].value: must be a string, is a number (quote it if text is meant)',
  ],
  [
    'env: [{name: A, value: yes}]',
    'env[0].value: must be a string, is a boolean (quote it if text is meant)',
  ],
  ['env: [{name: A, value: [x]}]', 'env[0].value: must be a string, is a list'],
  ['env: [{value: x}]', 'env[0]: name is required'],
  ['env: [{name: ""}]', 'env[0].name: name is required'],
  ['env: [{name: 5}]', 'env[0].name: must be a string, is a number (quote it if text is meant)'],
  ['env: ["A=1"]', 'env[0]: must be an object, is a string'],
  ['env: {A: 1}', 'env: must be a list, is an object'],
  [
    'env: [{name: A=B}]',
    "env[0].name: a variable's name must be printable ASCII characters other than '='",
  ],
  [
    'env: [{name: "A\\0B"}]',
    "env[0].name: a variable's name must be printable ASCII characters other than '='",
  ],
  [
    'env: [{name: A, valueFrom: {}}]',
    'env[0].valueFrom: must have exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef; has none',
  ],
  [
    'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}, fieldRef: {fieldPath: metadata.name}}}]',
    'env[0].valueFrom: must have exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef; has secretKeyRef, fieldRef',
  ],
  [
    'env: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: k}}}]',
    'env[0].valueFrom: may not be specified when `value` is not empty',
  ],
  [
    'env: [{name: A, valueFrom: {secretKeyRef: {key: k}}}]',
    'env[0].valueFrom.secretKeyRef: name is required',
  ],
  [
    'env: [{name: A, valueFrom: {configMapKeyRef: {name: c}}}]',
    'env[0].valueFrom.configMapKeyRef: key is required',
  ],
  [
    'env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k, optional: "true"}}}]',
    'env[0].valueFrom.secretKeyRef.optional: must be true or false, is a string',
  ],
  [
    'env: [{name: A, valueFrom: {fileKeyRef: {}}}]',
    'env[0].valueFrom.fileKeyRef: bellhop does not know this source',
  ],
  [
    'env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.hostname}}}]',
    'env[0].valueFrom.fieldRef.fieldPath: unsupported field spec.hostname; supported: metadata.name, metadata.namespace, metadata.uid, spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP, status.podIPs',
  ],
  [
    'env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels[\'-a\']"}}}]',
    'env[0].valueFrom.fieldRef.fieldPath: the subscript is not a label or annotation key',
  ],
  [
    'env: [{name: A, valueFrom: {fieldRef: {fieldPath: "metadata.labels[\'A.b/c\']"}}}]',
    'env[0].valueFrom.fieldRef.fieldPath: the subscript is not a label or annotation key',
  ],
  [
    'env: [{name: A, valueFrom: {resourceFieldRef: {resource: cpu}}}]',
    'env[0].valueFrom.resourceFieldRef.resource: unsupported resource cpu',
  ],
  [
    'env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1k}}}]',
    'env[0].valueFrom.resourceFieldRef.divisor: not a divisor that Kubernetes takes for limits.cpu',
  ],
  [
    'env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1024}}}]',
    'env[0].valueFrom.resourceFieldRef.divisor: not a divisor that Kubernetes takes for limits.memory',
  ],
  ['envFrom: [{}]', 'envFrom[0]: must have exactly one of secretRef and configMapRef'],
  [
    'envFrom: [{secretRef: {name: a}, configMapRef: {name: b}}]',
    'envFrom[0]: must have exactly one of secretRef and configMapRef',
  ],
  ['envFrom: [{secretRef: {}}]', 'envFrom[0].secretRef: name is required'],
  ['envFrom: [{secretRef: s}]', 'envFrom[0].secretRef: must be an object, is a string'],
  [
    'envFrom: [{prefix: "a=", secretRef: {name: s}}]',
    "envFrom[0].prefix: a variable's name must be printable ASCII characters other than '='",
  ],
  ['volumeMounts: [{name: x, mountPath: /a}]', 'volumeMounts[0].name: there is no volume x'],
  [
    'volumeDevices: [{name: d, devicePath: /dev/x}]',
    'volumeDevices[0]: a block device comes from a cluster',
  ],
  ['command: sh', 'command: must be a list, is a string'],
  ['command: [sh, 5]', 'command[1]: must be a string, is a number (quote it if text is meant)'],
  ['args: [[]]', 'args[0]: must be a string, is a list'],
  [
    'resources: {limits: {memory: lots}}',
    'resources.limits.memory: not a quantity that Kubernetes takes, such as 500m, 1.5 or 2Gi',
  ],
  [
    'resources: {requests: {cpu: 2}, limits: {cpu: 1500m}}',
    'resources.requests.cpu: must not exceed the limit of cpu',
  ],
  [
    'resources: {requests: {example.org/gpu: 1}, limits: {example.org/gpu: 2}}',
    'resources.requests.example.org/gpu: must equal the limit of example.org/gpu',
  ],
  [
    'resources: {requests: {cpu: 1, hugepages-2Mi: 2Mi}}',
    'resources.requests.hugepages-2Mi: needs a limit of hugepages-2Mi',
  ],
  [
    'securityContext: {privileged: true, allowPrivilegeEscalation: false}',
    'securityContext.allowPrivilegeEscalation: cannot be false where `privileged` is true',
  ],
  [
    'securityContext: {capabilities: {add: [CAP_SYS_ADMIN]}, allowPrivilegeEscalation: false}',
    'securityContext.allowPrivilegeEscalation: cannot be false where CAP_SYS_ADMIN is added',
  ],
  ['resources: {requests: {cpu: -1}}', 'resources.requests.cpu: must not be negative'],
  ['resources: {limits: [1]}', 'resources.limits: must be an object, is a list'],
  [
    'securityContext: {runAsUser: root}',
    'securityContext.runAsUser: must be a whole number, is a string',
  ],
  [
    'securityContext: {runAsUser: 1.5}',
    'securityContext.runAsUser: must be a whole number, is a number',
  ],
  [
    'securityContext: {runAsUser: -1}',
    'securityContext.runAsUser: must be between 0 and 2147483647',
  ],
  [
    'securityContext: {runAsGroup: 2147483648}',
    'securityContext.runAsGroup: must be between 0 and 2147483647',
  ],
  [
    'securityContext: {capabilities: {drop: ALL}}',
    'securityContext.capabilities.drop: must be a list, is a string',
  ],
  ['workingDir: "/a\\0b"', 'workingDir: must not contain a NUL byte'],
  ['terminationMessagePath: "/a\\0b"', 'terminationMessagePath: must not contain a NUL byte'],
  ['workingDir: 5', 'workingDir: must be a string, is a number (quote it if text is meant)'],
];
