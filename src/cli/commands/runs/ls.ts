import type { RunRecord } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { countText, durationText, numberText, timeText, valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { table, type TableColumn } from '../../output/table.ts';
import { statusStyle } from '../../output/status-style.ts';
import { wholeNumber } from '../../value-rules.ts';

export const runsLs: Command = defineCommand({
  path: ['runs', 'ls'],
  summary: 'List runs, the newest first, or those that a filter finds.',
  details: ['A filter asks about params, metrics, tags, attributes and datasets, as in: metrics.loss < 0.1 and params.optimizer = \'adam\' and attributes.status = \'finished\'.'],
  options: {
    experiment: { type: 'texts', short: 'e', value: 'NAME', description: 'Only runs of this experiment.' },
    filter: { type: 'text', short: 'f', value: 'FILTER', path: 'filter', description: 'Only runs that it finds.' },
    'order-by': { type: 'texts', value: 'ORDER', path: 'orderBy', description: "What they are sorted by, such as 'metrics.loss desc'.", otherwise: 'the newest first' },
    column: { type: 'texts', short: 'c', value: 'NAME', description: 'A metric, param or tag to show: metrics.loss, params.optimizer, tags.team.', otherwise: 'the metrics that fit' },
    limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1), description: 'At most so many.', otherwise: '20' },
    after: { type: 'text', value: 'CURSOR', path: 'after', description: 'Go on behind the page before, by its `next`.' },
    deleted: { type: 'text', value: 'WHICH', choices: ['exclude', 'include', 'only'], description: 'What becomes of deleted runs.', otherwise: 'exclude' },
  },
  positionals: [],
  examples: [
    { command: 'runs ls', does: 'The newest runs of the store in .modelkeep.' },
    { command: "runs ls -e flight-delay --filter \"metrics.auc > 0.8\" --order-by 'metrics.auc desc'", does: 'The best runs of an experiment.' },
    { command: "runs ls --json | jq -r '.items[].id'", does: 'Their ids, for a script.' },
  ],
  async run({ options, storage, out, signal }) {
    const { Tracker } = await import('../../../index.ts');
    const tracker = new Tracker({ storage: await storage() });
    const page = await tracker.searchRuns({
      experiments: options.experiment.length === 0 ? undefined : options.experiment,
      filter: options.filter,
      orderBy: options['order-by'],
      limit: options.limit ?? 20,
      after: options.after,
      deleted: options.deleted as 'exclude' | 'include' | 'only' | undefined,
      signal,
    });
    await out.result(page, (text) => (page.items.length === 0 ? 'No runs.' : table(page.items, columnsOf(page.items, options.column, text), text)));
    if (page.damaged.length > 0) await out.note(`${countText(page.damaged.length, 'run')} cannot be read and left out; 'modelkeep store check' tells why.`);
    if (page.next !== undefined) await out.note(`There are more: --after ${page.next}`);
  },
});

function columnsOf(runs: readonly RunRecord[], asked: readonly string[], page: TextPage): TableColumn<RunRecord>[] {
  const wanted = asked.length > 0 ? asked : [...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => !name.startsWith('system/')).sort().map((name) => `metrics.${name}`);
  return [
    { head: 'RUN', text: ({ id }) => id, whole: true },
    { head: 'EXPERIMENT', text: ({ experiment }) => experiment, spare: true },
    { head: 'NAME', text: ({ name }) => name, spare: true },
    { head: 'STATUS', text: ({ status }) => status, whole: true, spare: true, style: ({ status }) => statusStyle(status) },
    { head: 'STARTED', text: ({ startedAt }) => timeText(startedAt, page), whole: true, spare: true },
    { head: 'TOOK', text: ({ startedAt, endedAt }) => durationText(endedAt === undefined ? undefined : endedAt - startedAt), align: 'right', spare: true },
    ...wanted.map((name): TableColumn<RunRecord> => ({ head: name, text: (run) => fieldOf(run, name), align: 'right', spare: asked.length === 0 })),
  ];
}

function fieldOf(run: RunRecord, name: string): string | undefined {
  const [, group, key = ''] = /^(metrics|params|tags)\.`?(.*?)`?$/.exec(name) ?? [undefined, 'metrics', name];
  if (group === 'params') return Object.hasOwn(run.params, key) ? valueText(run.params[key]) : undefined;
  if (group === 'tags') return Object.hasOwn(run.tags, key) ? run.tags[key] : undefined;
  return Object.hasOwn(run.metrics, key) ? numberText(run.metrics[key]!.value) : undefined;
}
