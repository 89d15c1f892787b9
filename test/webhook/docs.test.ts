// docs/webhook.md against the code: its settings and its figures.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { addCertificateFigures } from '../../src/webhook/certificates-figures.ts';
import { addFigures } from '../../src/webhook/figures.ts';
import { invalidationFigure } from '../../src/webhook/invalidation.ts';
import { METRICS_PREFIX, openMetrics } from '../../src/webhook/metrics.ts';
import { WEBHOOK_DEFAULTS } from '../../src/webhook/settings.ts';

const GOLDEN = path.join(import.meta.dir, '../golden/flyte/defaults.json');
const page = readFileSync(path.join(import.meta.dir, '../../docs/webhook.md'), 'utf8');
const { config } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { config: object };

/** First cells of the table under a heading. */
function cellsUnder(heading: string): readonly string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = '']) => cell);
}

test('every figure is told, and no other', () => {
  const metrics = openMetrics();
  addFigures(metrics, {
    inFlight: () => 0,
    connections: () => 0,
    certificates: {
      current: () => ({ certPem: '', keyPem: '', notAfterMs: 0 }),
      onChange: () => () => {},
    },
  });
  invalidationFigure(metrics);
  addCertificateFigures(metrics, () => ({}));
  const there = metrics.list().map(({ name }) => `${METRICS_PREFIX}${name}`);
  expect(cellsUnder('Figures').toSorted()).toEqual(there.toSorted());
});

test('every setting of ours is told, and no other', () => {
  const ofFlyte = new Set([...Object.keys(config), 'enableHTTP2']);
  const ours = Object.keys(WEBHOOK_DEFAULTS).filter((name) => !ofFlyte.has(name));
  const withoutDefault = ['missing', 'flyteSecretName', 'cacheInvalidation'];
  expect(cellsUnder('Settings').toSorted()).toEqual([...ours, ...withoutDefault].toSorted());
});

test('every setting of Flyte has Flyte’s default here', () => {
  const { imageBuilderConfig: _, ...of } = config as Readonly<Record<string, unknown>>;
  expect(WEBHOOK_DEFAULTS).toMatchObject(of);
});
