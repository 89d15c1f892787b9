/** Pods with a canary for a Secret: one that starts, and those that fail. */
/** Characters that JSON and YAML escape, so that each form is another text. */
export const CANARY = `kanarie"vogel\\9é${'zQx7'.repeat(4)}`;
export const DATA = Buffer.from(CANARY).toString('base64');

export const SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's' },
  data: { pw: DATA },
};
const volumes = [
  { name: 'v', secret: { secretName: 's' } },
  {
    name: 'p',
    projected: { sources: [{ secret: { name: 's', items: [{ key: 'pw', path: 'a/b' }] } }] },
  },
];
const volumeMounts = [
  { name: 'v', mountPath: '/srv/creds' },
  { name: 'p', mountPath: '/srv/projected' },
  { name: 'v', mountPath: '/srv/one', subPath: 'pw' },
];
const env = [{ name: 'PW', valueFrom: { secretKeyRef: { name: 's', key: 'pw' } } }];
const envFrom = [{ prefix: 'ALL_', secretRef: { name: 's' } }];
const main = { name: 'main', image: 'i', env, envFrom, volumeMounts };

export const pod = (container: object = {}, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app' },
  spec: {
    automountServiceAccountToken: false,
    volumes,
    containers: [{ ...main, ...container }],
    ...spec,
  },
});
export const text = (...documents: object[]) =>
  documents.map((one) => JSON.stringify(one)).join('\n---\n');
export const SEES = [
  '/bin/sh',
  '-c',
  'test "$(cat /srv/creds/pw)" = "$1" && test "$PW" = "$1"',
  'sh',
  '$(PW)',
];
export const WHOLE = text(SECRET, pod({ command: SEES }));

/** A variable of a Secret as the name of a folder, longer than names can be. */
const LONG_SUBPATH = text(
  { ...SECRET, data: { pw: Buffer.from(CANARY.repeat(12)).toString('base64') } },
  pod(
    {
      command: ['/bin/true'],
      volumeMounts: [
        { name: 'e', mountPath: '/srv/e', subPathExpr: '$(PW)' },
        { name: 'e', mountPath: '/srv/f' },
      ],
    },
    { volumes: [{ name: 'e', emptyDir: {} }] },
  ),
);

/** Starts that fail, each with the canary in hand. */
export const FAILURES: Readonly<Record<string, readonly [number, string, (readonly string[])?]>> = {
  'a program that is not there': [
    127,
    text(SECRET, pod({ command: ['/nowhere/program', '$(PW)'] })),
  ],
  'a Secret as the program': [127, text(SECRET, pod({ command: ['/nowhere/$(PW)'] }))],
  'a program that may not be executed': [
    126,
    text(SECRET, pod({ command: ['/etc/image-file', '$(PW)'] })),
  ],
  'a key that is missing': [
    69,
    text(
      SECRET,
      pod({
        env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'no' } } }],
        command: ['/bin/true'],
      }),
    ),
  ],
  'base64 that is broken': [65, text({ ...SECRET, data: { pw: `${CANARY}!` } }, pod())],
  'a value that is no text': [
    65,
    text({ ...SECRET, data: undefined, stringData: { pw: [CANARY] } }, pod()),
  ],
  'a value that is an object': [65, text({ ...SECRET, data: { pw: { [CANARY]: CANARY } } }, pod())],
  'data that is no map': [65, text({ ...SECRET, data: CANARY }, pod())],
  'data that is a list': [65, text({ ...SECRET, data: [CANARY] }, pod())],
  'an unknown kind of the document': [65, text({ ...SECRET, kind: ['Secret'] }, pod())],
  'YAML that breaks off in a value': [65, `kind: Secret\nstringData:\n  pw: "${CANARY}`],
  'YAML that breaks after a value': [65, `kind: Secret\nstringData:\n  pw: '${CANARY}'\n\tx: y\n`],
  'a value as an alias': [65, `kind: Secret\nstringData:\n  pw: *${'zQx7'.repeat(4)}\n`],
  'a value with a tag': [65, `kind: Secret\nstringData:\n  pw: !zQx7zQx7 "x"\n`],
  'a NUL in a variable': [
    65,
    text(
      { ...SECRET, data: { pw: Buffer.from(`${CANARY}\0`).toString('base64') } },
      pod({ command: ['/bin/true'] }),
    ),
  ],
  'a variable that is too big': [
    126,
    text(
      { ...SECRET, data: { pw: Buffer.from(CANARY.repeat(5000)).toString('base64') } },
      pod({ command: ['/bin/true'] }),
    ),
  ],
  'a volume path that is taken': [
    73,
    text(
      SECRET,
      pod({ command: ['/bin/true'], volumeMounts: [{ name: 'v', mountPath: '/etc/image-file' }] }),
    ),
  ],
  'a subPath that is a Secret and no file name': [73, LONG_SUBPATH],
  'a user that is not there': [
    77,
    text(SECRET, pod({ command: ['/bin/true'] })),
    ['--image-user', 'nobody-of-this-name'],
  ],
  'an option that is unknown': [64, WHOLE, ['--no-such-option']],
};
