import { defineCommand, type Command } from '../../command.ts';
import { countText, timeText } from '../../output/formats.ts';
import { table } from '../../output/table.ts';
import { wholeNumber } from '../../value-rules.ts';
import { openRegistry } from './open-registry.ts';

export const modelsLs: Command = defineCommand({
  path: ['models', 'ls'],
  summary: 'List the models of the registry, with what is in staging and production.',
  options: {
    limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1, 1000), description: 'At most so many.', otherwise: '100' },
    after: { type: 'text', value: 'CURSOR', path: 'options.after', description: 'Go on behind the page before, by its `next`.' },
  },
  positionals: [],
  examples: [{ command: 'models ls', does: 'The models of the store in .modelkeep.' }],
  async run(call) {
    const { options, out, signal } = call;
    const registry = await openRegistry(call);
    const page = await registry.listModels({ limit: options.limit, after: options.after, signal });
    await out.result(page, (text) =>
      page.items.length === 0
        ? 'No models.'
        : table(page.items, [
            { head: 'MODEL', text: ({ name }) => name },
            { head: 'LATEST', text: ({ latest }) => (latest === 0 ? undefined : String(latest)), align: 'right' },
            { head: 'STAGING', text: ({ staging }) => staging?.toString(), align: 'right' },
            { head: 'PRODUCTION', text: ({ production }) => production?.toString(), align: 'right' },
            { head: 'OWNER', text: ({ owner }) => owner, spare: true },
            { head: 'CREATED', text: ({ createdAt }) => timeText(createdAt, text), whole: true, spare: true },
            { head: 'DESCRIPTION', text: ({ description }) => description, spare: true },
          ], text),
    );
    if (page.damaged.length > 0) await out.note(`${countText(page.damaged.length, 'model')} cannot be read and left out; 'modelkeep store check' tells why.`);
    if (page.next !== undefined) await out.note(`There are more: --after ${page.next}`);
  },
});
