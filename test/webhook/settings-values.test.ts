// `webhook.valueSecrets`: what would match no namespace is refused, not taken in silence.
import { expect, test } from 'bun:test';
import { readWebhookSettings } from '../../src/webhook/settings.ts';

const problemsOf = (...namespaces: readonly string[]) => {
  return readWebhookSettings({ valueSecrets: { namespaces } }).problems;
};

test.each(['team-*', '*-dev', '**', '', 'Team', 'a/b', 'a.b'])('%p is refused', (name) => {
  const [problem, ...more] = problemsOf('team', name);
  expect([problem?.path, more]).toEqual([['valueSecrets', 'namespaces', 1], []]);
  expect(problem?.what).toContain("or '*' alone for all");
});

test.each([[['*']], [['team']], [['team-a', '*']], [['0-x']]])('%p is taken', (names) => {
  expect(problemsOf(...names)).toEqual([]);
});
