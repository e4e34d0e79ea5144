import type { PipelineRunSummary } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { library } from '../../library.ts';
import { countText, durationText, timeText, valueText } from '../../output/formats.ts';
import { statusStyle } from '../../output/status-style.ts';
import { table } from '../../output/table.ts';
import { wholeNumber } from '../../value-rules.ts';
import { openPipeline, pipelineNames } from './open-pipeline.ts';

export const pipelinesLs: Command = defineCommand({
  path: ['pipelines', 'ls'],
  summary: 'List the newest runs of every pipeline, or those of one that a filter finds.',
  options: {
    filter: { type: 'text', short: 'f', value: 'FILTER', path: 'filter', description: "Only runs that it finds, such as \"status = 'failed' and params.month >= '2001-02'\"." },
    'order-by': { type: 'texts', value: 'ORDER', path: 'orderBy', description: "What they are sorted by, such as 'duration desc'.", otherwise: 'the newest first' },
    limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1, 1000), description: 'At most so many of each pipeline.', otherwise: '20, or 5 of each' },
  },
  positionals: [{ name: 'PIPELINE', description: 'The name of a pipeline.', optional: true }],
  examples: [
    { command: 'pipelines ls', does: 'The last runs of every pipeline.' },
    { command: "pipelines ls retrain --filter \"status = 'failed'\"", does: 'The runs of one that failed.' },
  ],
  async run({ options, positionals: [name], storage, out, signal }) {
    const [{ Pipeline }, store] = await Promise.all([library(), storage()]);
    const names = name === undefined ? await pipelineNames(store, signal) : [name];
    const runs: PipelineRunSummary[] = [];
    let damaged = 0;
    for (const each of names) {
      const pipeline = name === undefined ? new Pipeline({ name: each, storage: store }) : await openPipeline(store, each, signal);
      const page = await pipeline.searchRuns({ filter: options.filter, orderBy: options['order-by'].length === 0 ? undefined : options['order-by'], limit: options.limit ?? (name === undefined ? 5 : 20), signal });
      runs.push(...page.items);
      damaged += page.damaged.length;
    }
    await out.result({ items: runs, damaged }, (page) =>
      runs.length === 0
        ? 'No pipeline runs.'
        : table(runs, [
            { head: 'RUN', text: ({ id }) => id, whole: true },
            { head: 'PIPELINE', text: ({ pipeline }) => pipeline, spare: true },
            { head: 'STATUS', text: ({ status }) => status, whole: true, spare: true, style: ({ status }) => statusStyle(status) },
            { head: 'BEGAN', text: ({ timings }) => timeText(timings.startedAt, page), whole: true, spare: true },
            { head: 'TOOK', text: ({ timings }) => durationText(timings.durationMs), align: 'right', spare: true },
            { head: 'BY', text: ({ triggeredBy }) => triggeredBy?.kind, spare: true },
            { head: 'PARAMS', text: ({ params }) => (params === undefined ? undefined : valueText(params)), spare: true },
          ], page),
    );
    if (damaged > 0) await out.note(`${countText(damaged, 'run')} cannot be read and left out; 'modelkeep store check' tells why.`);
  },
});
