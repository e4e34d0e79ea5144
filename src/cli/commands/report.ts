import { defineCommand, type Command } from '../command.ts';
import { bytesText } from '../output/formats.ts';
import { printable } from '../output/printable.ts';
import { everything, reportParts, type ReportWishes } from '../report-parts.ts';
import { UsageError } from '../usage-error.ts';
import { writeFileWhole } from '../write-file.ts';

export const report: Command = defineCommand({
  path: ['report'],
  summary: 'Write a report as one HTML file that loads nothing: runs, curves, models, pipelines, drift, A/B tests, maturity.',
  details: ['Where no part is named, it has the newest runs, the first ten models, monitors, tests and pipelines, of these the last run, and how mature the models in production are kept.'],
  options: {
    output: { type: 'text', short: 'o', value: 'FILE', description: 'Where it is written.', otherwise: 'standard output, which must not be a terminal' },
    title: { type: 'text', value: 'TEXT', description: 'Its heading.', otherwise: 'Report' },
    runs: { type: 'flag', description: 'The newest runs as a table that sorts and filters.' },
    experiment: { type: 'texts', short: 'e', value: 'NAME', description: 'Of the runs, those of this experiment.' },
    filter: { type: 'text', short: 'f', value: 'FILTER', description: 'Of the runs, those that it finds.' },
    limit: { type: 'number', short: 'n', value: 'N', description: 'So many runs.', otherwise: '200' },
    run: { type: 'texts', short: 'r', value: 'ID', description: 'A run: the curves of its metrics, and of several what differs between them.' },
    metric: { type: 'texts', value: 'NAME', description: 'A metric whose curve is drawn.', otherwise: 'the first six' },
    model: { type: 'texts', value: 'NAME', description: 'A model with its versions, history and lineage.' },
    'pipeline-run': { type: 'texts', value: 'ID', description: 'A run of a pipeline with its steps in time.' },
    monitor: { type: 'texts', value: 'NAME', description: 'The last verdict of a drift monitor, and the performance over time.' },
    test: { type: 'texts', value: 'NAME', description: 'The analysis of an A/B test.' },
    maturity: { type: 'flag', description: 'How mature the models in production are kept, as things stand; it is not stored.' },
  },
  positionals: [],
  examples: [
    { command: 'report -o report.html', does: 'Some of everything.' },
    { command: 'report --run 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f --run 0197a3c2-77aa-7de1-9c30-1f2e3d4c5b6a --metric loss -o runs.html', does: 'Two runs side by side.' },
    { command: 'report --model flight-delay --monitor flight-delay -o model.html', does: 'A model and how it fares.' },
  ],
  async run({ options, storage, out, signal, host }) {
    const file = options.output;
    if (file === undefined && host.stdout.isTerminal) throw new UsageError('A report is a page that is not for a terminal; give -o FILE, or pipe it.');
    const store = await storage();
    const limit = options.limit ?? 200;
    const { experiment: experiments, filter } = options;
    const chosen: ReportWishes = {
      runs: options.runs || experiments.length > 0 || filter !== undefined ? { experiments, filter, limit } : undefined,
      compared: options.run,
      metrics: options.metric,
      models: options.model,
      pipelineRuns: options['pipeline-run'],
      monitors: options.monitor,
      tests: options.test,
      maturity: options.maturity,
    };
    const named = chosen.runs !== undefined || chosen.maturity || [chosen.compared, chosen.models, chosen.pipelineRuns, chosen.monitors, chosen.tests].some((names) => names.length > 0);
    const { renderReport } = await import('../../report.ts');
    const parts = await reportParts(store, named ? chosen : await everything(store, limit, signal), { clock: host.clock, signal });
    const html = renderReport(parts, { title: options.title, createdAt: host.clock.now(), timeZone: host.timeZone });
    if (file === undefined) return out.json ? out.result({ html }, () => '') : out.write(html);
    const bytes = await writeFileWhole(file, [html], host);
    await out.result({ file, bytes }, () => `${printable(file)}: ${bytesText(bytes)}.`);
  },
});
