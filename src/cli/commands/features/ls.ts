import { defineCommand, type Command } from '../../command.ts';
import { library } from '../../library.ts';
import { countText, durationText, timeText } from '../../output/formats.ts';
import { table } from '../../output/table.ts';
import { wholeNumber } from '../../value-rules.ts';

export const featuresLs: Command = defineCommand({
  path: ['features', 'ls'],
  summary: 'List feature views with how fresh their rows are.',
  options: {
    limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1), description: 'At most so many.', otherwise: '100' },
    after: { type: 'text', value: 'CURSOR', path: 'options.after', description: 'Go on behind the page before, by its `next`.' },
  },
  positionals: [],
  examples: [{ command: 'features ls', does: 'The views of the store in .modelkeep.' }],
  async run({ options, storage, out, signal }) {
    const { FeatureStore } = await library();
    await using store = new FeatureStore({ storage: await storage() });
    const page = await store.freshness({ limit: options.limit, after: options.after, signal });
    await out.result(page, (text) =>
      page.items.length === 0
        ? 'No feature views.'
        : table(page.items, [
            { head: 'VIEW', text: ({ view }) => view },
            { head: 'NEWEST ROW', text: ({ newestEvent }) => timeText(newestEvent ?? undefined, text), whole: true },
            { head: 'LAG', text: ({ lag }) => durationText(lag ?? undefined), align: 'right' },
            { head: 'ONLINE LAG', text: ({ onlineLag }) => durationText(onlineLag ?? undefined), align: 'right' },
            { head: 'MATERIALIZED', text: ({ materializedAt }) => timeText(materializedAt ?? undefined, text), whole: true, spare: true },
            { head: 'FRESH', text: ({ stale, maxAge }) => (stale ? 'stale' : maxAge === null ? undefined : 'fresh'), style: ({ stale }) => (stale ? 'bad' : undefined) },
          ], text),
    );
    if (page.unreadable.length > 0) await out.note(`${countText(page.unreadable.length, 'view')} cannot be read and left out; 'modelkeep store check' tells why.`);
    if (page.next !== undefined) await out.note(`There are more: --after ${page.next}`);
  },
});
