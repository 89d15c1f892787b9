import { expect, test } from 'bun:test';
import { fileKeyRefProblem } from '../../src/webhook/file-key-ref.ts';
import type { Found } from '../../src/webhook/kubernetes-api.ts';

const problemOf = async (gitVersion: unknown): Promise<string | undefined> => {
  const object = gitVersion === undefined ? {} : { gitVersion };
  const found = { kind: 'found', object } as unknown as Found;
  return (await fileKeyRefProblem({ get: async () => found }))?.message;
};

test.each(['v1.35.0', 'v1.35.2+k3s1', 'v1.40.1-gke.100', 'v2.0.0'])(
  '%s has it',
  async (version) => {
    expect(await problemOf(version)).toBeUndefined();
  },
);

test.each(['v1.34.9', 'v1.33.13', 'v1.9.0', 'none', undefined])('%s has not', async (version) => {
  const said = version?.startsWith('v') === true ? `is ${version}` : /is none|does not say/;
  expect(await problemOf(version)).toMatch(said);
  expect(await problemOf(version)).toContain('needs Kubernetes 1.35 on every node');
});
