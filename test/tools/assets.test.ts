// What lies among the assets and was written elsewhere is what is pinned in package-lock.json, byte by byte.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it.each([
  ['uplot.js', 'dist/uPlot.iife.min.js'],
  ['uplot.css', 'dist/uPlot.min.css'],
  ['uplot.LICENSE.txt', 'LICENSE'],
])('ships the chart library as it was published: %s', (ours, theirs) => {
  const published = readFileSync(`node_modules/uplot/${theirs}`, 'utf8');
  expect(readFileSync(`assets/console/${ours}`, 'utf8')).toBe(published);
});
