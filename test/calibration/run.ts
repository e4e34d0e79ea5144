import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root } from '../check/project.ts';
import { columnsPart, dataSetsPart, powerPart } from './columns.ts';
import { detectorsPart } from './detectors.ts';
import { horizonsPart } from './horizons.ts';
import { kindsPart } from './kinds.ts';
import { multivariatePart } from './multivariate.ts';
import { Report, type Part } from './part.ts';

const parts: readonly Part[] = [columnsPart, dataSetsPart, powerPart, kindsPart, multivariatePart, horizonsPart, detectorsPart];

const usage = `npm run calibrate -- [parts] [--trials factor] [--write]
  parts     which tables: ${parts.map(({ name }) => name).join(', ')}; all unless told
  --trials  this many times the usual number of trials; 0.1 for a quick look
  --write   put the tables into the pages that have them
Exits with 1 when a rate of false alarms surely exceeds what is promised: when the lower end of its 99 % interval does.`;

const seed = 20010101;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { trials: { type: 'string', default: '1' }, write: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
const factor = Number(values.trials);
const unknown = positionals.filter((word) => parts.every(({ name }) => name !== word));
if (values.help || !(factor > 0) || unknown.length > 0) console.log(usage);
else for (const part of parts) if (positionals.length === 0 || positionals.includes(part.name)) await calibrate(part);

async function calibrate(part: Part): Promise<void> {
  console.log(`\n${part.name}`);
  const report = new Report(factor, seed);
  const made = await part.make(report);
  const told = `Simulated on ${new Date().toISOString().slice(0, 10)}, seeds from ${seed} on.${heldText(report)}`;
  console.log(told);
  for (const each of report.exceeding) console.error(`Too many false alarms: ${each}`);
  if (report.exceeding.length > 0) process.exitCode = 1;
  if (values.write) writeBetweenMarks(part, `${made}\n\n${told}`);
}

function heldText({ held, exceeding }: Report): string {
  if (held === 0) return '';
  return ` Rates of modelkeep with nothing changed: ${held}; with the lower end of their 99 % interval (Clopper and Pearson) above what is promised: ${exceeding.length === 0 ? 'none' : exceeding.length}.`;
}

function writeBetweenMarks({ page, name }: Part, text: string): void {
  const marks = [`<!-- npm run calibrate -- ${name} --write -->`, `<!-- end of ${name} -->`] as const;
  const before = readFileSync(root + page, 'utf8');
  const [from, to] = marks.map((mark) => before.indexOf(mark)) as [number, number];
  if (from < 0 || to < from) throw new Error(`${page} lacks the marks ${marks.join(' and ')}.`);
  writeFileSync(root + page, `${before.slice(0, from + marks[0].length)}\n\n${text}\n\n${before.slice(to)}`);
}
