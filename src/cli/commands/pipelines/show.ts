import type { PipelineRun, StepHistory } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { durationText, timeText, valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { titled } from '../../output/sections.ts';
import { statusStyle } from '../../output/status-style.ts';
import { facts, table } from '../../output/table.ts';
import { findRun } from './open-pipeline.ts';

export const pipelinesShow: Command = defineCommand({
  path: ['pipelines', 'show'],
  summary: 'Show a run of a pipeline: its steps, how long each took, and why one failed.',
  options: {},
  positionals: [{ name: 'RUN', description: 'The id of the run.' }],
  examples: [{ command: 'pipelines show 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f', does: 'A run, by the id that pipelines ls shows.' }],
  async run({ positionals: [id = ''], storage, out, signal }) {
    const run = await findRun(await storage(), id, signal);
    await out.result(run, (page) => pipelineRunText(run, page));
  },
});

function pipelineRunText(run: PipelineRun, page: TextPage): string {
  const { timings, triggeredBy, failure } = run;
  return [
    facts(
      [
        ['Run', run.id], ['Pipeline', run.pipeline], ['Status', run.status], ['Began', timeText(timings.startedAt, page)], ['Ended', timeText(timings.endedAt, page)], ['Took', durationText(timings.durationMs)],
        ['Started by', triggeredBy === undefined ? undefined : valueText(triggeredBy)], ['Params', run.params === undefined ? undefined : valueText(run.params)], ['Failure', failure?.message],
      ],
      page,
    ),
    titled('Steps', table(Object.values(run.steps), stepColumns(), page), page),
  ].join('\n\n');
}

function stepColumns(): Parameters<typeof table<StepHistory>>[1] {
  return [
    { head: 'STEP', text: ({ name }) => name },
    { head: 'STATUS', text: ({ status }) => status, whole: true, style: ({ status }) => statusStyle(status) },
    { head: 'ATTEMPTS', text: ({ attempts }) => String(attempts), align: 'right' },
    { head: 'TOOK', text: ({ startedAt, endedAt }) => durationText(startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt), align: 'right' },
    { head: 'WHY', text: ({ failure, because }) => failure?.message ?? because },
  ];
}
