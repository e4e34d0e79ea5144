import { defineCommand, type Command } from '../../command.ts';
import { printable } from '../../output/printable.ts';
import { namesUnder } from '../../names-under.ts';

export const driftLs: Command = defineCommand({
  path: ['drift', 'ls'],
  summary: 'List the drift monitors of the store.',
  options: {},
  positionals: [],
  examples: [{ command: 'drift ls', does: 'The monitors of the store in .modelkeep.' }],
  async run({ storage, out, signal }) {
    const names = await namesUnder(await storage(), 'monitors/', { signal });
    await out.result(names, () => (names.length === 0 ? 'No monitors.' : names.map(printable).join('\n')));
  },
});
