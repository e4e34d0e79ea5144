import type { ArtifactRecord, DatasetRecord, LoggedModel, RunRecord } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { bytesText, durationText, numberText, timeText, valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { titled } from '../../output/sections.ts';
import { facts, table } from '../../output/table.ts';

interface WholeRun {
  readonly run: RunRecord;
  readonly datasets: readonly DatasetRecord[];
  readonly artifacts: readonly ArtifactRecord[];
  readonly models: readonly LoggedModel[];
}

export const runsShow: Command = defineCommand({
  path: ['runs', 'show'],
  summary: 'Show all that is known of a run: params, metrics, tags, datasets, artifacts, models, code.',
  options: {},
  positionals: [{ name: 'RUN', description: 'The id of the run.' }],
  examples: [
    { command: 'runs show 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f', does: 'A run, by the id that runs ls shows.' },
    { command: 'runs show 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f --json | jq .run.metrics', does: 'Its latest metrics, for a script.' },
  ],
  async run({ positionals: [id = ''], storage, out, signal }) {
    const { Tracker } = await import('../../../index.ts');
    const tracker = new Tracker({ storage: await storage() });
    const run = await tracker.getRun(id, { signal });
    const artifacts: ArtifactRecord[] = [];
    for await (const artifact of tracker.artifacts(id, { signal })) artifacts.push(artifact);
    const whole: WholeRun = { run, datasets: await tracker.datasets(id, { signal }), artifacts, models: await tracker.models(id, { signal }) };
    await out.result(whole, (page) => textOf(whole, page));
  },
});

function textOf({ run, datasets, artifacts, models }: WholeRun, page: TextPage): string {
  const { code, error } = run;
  return [
    facts(
      [
        ['Run', run.id], ['Name', run.name], ['Experiment', run.experiment], ['Status', run.status], ['Reason', run.reason],
        ['Error', error === undefined ? undefined : `${error.name}: ${error.message}`],
        ['Started', timeText(run.startedAt, page)], ['Ended', timeText(run.endedAt, page)], ['Deleted', timeText(run.deletedAt, page)],
        ['Took', durationText(run.endedAt === undefined ? undefined : run.endedAt - run.startedAt)],
        ['Parent', run.parent], ['Pipeline run', run.pipelineRun], ['Group', run.group], ['Seed', run.seed === undefined ? undefined : String(run.seed)],
        ['Commit', code?.commit === undefined ? undefined : `${code.commit}${code.dirty === true ? ' with changes' : ''}`], ['Entry', code?.entry], ['Notes', run.notes],
        ['Dropped points', run.droppedPoints > 0 ? String(run.droppedPoints) : undefined],
      ],
      page,
    ),
    titled('Params', facts(Object.entries(run.params).map(([name, value]) => [name, valueText(value)]), page), page),
    titled('Tags', facts(Object.entries(run.tags), page), page),
    titled('Metrics', rows(Object.entries(run.metrics), [
      { head: 'METRIC', text: ([name]) => name }, { head: 'LATEST', text: ([, { value }]) => numberText(value), align: 'right' }, { head: 'STEP', text: ([, { step }]) => String(step), align: 'right' },
    ], page), page),
    titled('Datasets', rows(datasets, [
      { head: 'DATASET', text: ({ name }) => name }, { head: 'ROLE', text: ({ role }) => role }, { head: 'ROWS', text: ({ rowCount }) => String(rowCount), align: 'right' }, { head: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint, spare: true },
    ], page), page),
    titled('Artifacts', rows(artifacts, [
      { head: 'ARTIFACT', text: ({ name }) => name }, { head: 'SIZE', text: ({ size }) => bytesText(size), align: 'right' }, { head: 'TYPE', text: ({ mediaType }) => mediaType, spare: true },
    ], page), page),
    titled('Models', rows(models, [{ head: 'MODEL', text: ({ name }) => name }], page), page),
  ].filter((part) => part !== '').join('\n\n');
}

function rows<T>(items: readonly T[], columns: Parameters<typeof table<T>>[1], page: TextPage): string {
  return items.length === 0 ? '' : table(items, columns, page);
}
