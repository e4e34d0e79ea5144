import { defineCommand, type Command } from '../../command.ts';
import { library } from '../../library.ts';
import { countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';

export const featuresMaterialize: Command = defineCommand({
  path: ['features', 'materialize'],
  summary: 'Bring the rows of views online, from where it was left off.',
  options: { end: { type: 'text', value: 'TIME', path: 'options.end', description: 'Rows up to this time, in ISO 8601.', otherwise: 'now' } },
  positionals: [{ name: 'VIEW', description: 'The names of views.', several: true }],
  examples: [{ command: 'features materialize airport_delays', does: 'From cron: what came in since the last time goes online.' }],
  async run({ options, positionals, storage, out, progress, signal }) {
    const { FeatureStore } = await library();
    await using store = new FeatureStore({ storage: await storage() });
    const results: { view: string; rows: number; entities: number }[] = [];
    for (const view of positionals) results.push({ view, ...(await store.materialize(view, { end: options.end, signal, onProgress: progress })) });
    await out.result(results, () => results.map(({ view, rows, entities }) => `${printable(view)}: ${countText(rows, 'row')} looked at, ${countText(entities, 'entity', 'entities')} changed.`).join('\n'));
  },
});
