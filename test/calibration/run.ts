import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from '../check/project.ts';
import { Sampler } from '../monitoring/samples.ts';
import { classifierRates, kindRates, kinds } from './kinds.ts';
import { alpha, changes, columnRates, dataSetRates, laws } from './simulate.ts';

const usage = `npm run calibrate -- [--trials factor] [--write]
  --trials  this many times the usual number of trials; 0.1 for a quick look
  --write   put the tables into docs/monitoring.md`;

const page = `${root}docs/monitoring.md`;
const marks = ['<!-- calibration: npm run calibrate -- --write -->', '<!-- end of calibration -->'] as const;
const seed = 20010101;

/** Rows of the reference and of the current side, and how many pairs of them are drawn. */
const sizes: readonly (readonly [reference: number, current: number, trials: number])[] = [
  [50, 50, 2000],
  [1000, 100, 1000],
  [1000, 1000, 400],
  [10_000, 1000, 400],
  [100_000, 100_000, 40],
];

const { values } = parseArgs({ options: { trials: { type: 'string', default: '1' }, write: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
const factor = Number(values.trials);
if (values.help || !(factor > 0)) console.log(usage);
else calibrate();

function calibrate(): void {
  const trialsOf = (trials: number): number => Math.max(1, Math.round(trials * factor));
  const parts = [
    `A column of which nothing has changed is called changed, at alpha ${alpha}:`,
    table(['law', 'rows', 'trials', 'significant', 'drifted (`compareData`)', 'drift (`evidently:default`)'], Object.entries(laws).flatMap(([name, draw]) => sizes.map(([n, m, trials]) => {
      const rates = columnRates([draw, draw], [n, m], trialsOf(trials), seed);
      return shown([name, rowsText(n, m), String(trialsOf(trials)), percent(rates.significant), percent(rates.drifted), percent(rates.evidently)]);
    }))),
    'A data set of twenty columns of these laws of which nothing has changed:',
    table(['rows', 'trials', 'any column significant', 'drifted (`compareData`)', 'any column drifted (`evidently:default`)', 'half of the columns or more'], sizes.slice(0, 4).map(([n, m, trials]) => {
      const rates = dataSetRates([n, m], trialsOf(trials / 4), seed);
      return shown([rowsText(n, m), String(trialsOf(trials / 4)), percent(rates.significant), percent(rates.drifted), percent(rates.evidentlyColumn), percent(rates.evidentlyDataSet)]);
    })),
    'A column that has changed a little is called changed:',
    table(['change', 'rows', 'trials', 'significant', 'drifted, `minEffect` 0.01', 'drifted, `minEffect` 0.1', 'drift (`evidently:default`)'], Object.entries(changes).flatMap(([name, sides]) => sizes.slice(1).map(([n, m, trials]) => {
      const rates = columnRates(sides, [n, m], trialsOf(trials), seed);
      return shown([name, rowsText(n, m), String(trialsOf(trials)), percent(rates.significant), percent(rates.small), percent(rates.drifted), percent(rates.evidently)]);
    }))),
    'Columns of other kinds, of which nothing has changed and that have changed:',
    table(['kind', 'change', 'rows', 'trials', 'significant', 'drifted'], Object.entries(kinds).flatMap(([kind, { same, changed, change }]) => [[same, 'none'] as const, [changed, change] as const].flatMap(([after, what]) => sizes.slice(0, 4).map(([n, m, trials]) => {
      const rates = kindRates([same, after], [n, m], trialsOf(trials / 4), new Sampler(seed));
      return shown([kind, what, rowsText(n, m), String(trialsOf(trials / 4)), percent(rates.significant), percent(rates.drifted)]);
    })))),
    '`domainClassifier` on two numbers and a category of which nothing has changed, and of which the correlation went from 0.8 to 0.2:',
    table(['correlation', 'rows', 'trials', 'significant', 'drifted'], ([[0.8, 0.8], [0.8, 0.2]] as const).flatMap((correlation) => sizes.slice(1, 3).map(([n, m, trials]) => {
      const rates = classifierRates([n, m], correlation, trialsOf(trials / 4), new Sampler(seed));
      return shown([correlation.join(' to '), rowsText(n, m), String(trialsOf(trials / 4)), percent(rates.significant), percent(rates.drifted)]);
    }))),
  ];
  if (values.write) writeBetweenMarks(parts.join('\n\n'));
}

/** The cells, which are also printed as they come. */
function shown(cells: readonly string[]): readonly string[] {
  console.log(cells.join(' | '));
  return cells;
}

function table(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rowsText(n: number, m: number): string {
  return [n, m].map((rows) => rows.toLocaleString('en-US')).join(' and ');
}

function percent(rate: number): string {
  return `${Number((100 * rate).toFixed(1))} %`;
}

function writeBetweenMarks(text: string): void {
  const before = readFileSync(page, 'utf8');
  const [from, to] = marks.map((mark) => before.indexOf(mark)) as [number, number];
  if (from < 0 || to < from) throw new Error(`${page} lacks the marks ${marks.join(' and ')}.`);
  writeFileSync(page, `${before.slice(0, from + marks[0].length)}\n\n${text}\n\n${before.slice(to)}`);
}
