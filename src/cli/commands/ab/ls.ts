import { defineCommand, type Command } from '../../command.ts';
import { namesUnder } from '../../names-under.ts';
import { printable } from '../../output/printable.ts';

export const abLs: Command = defineCommand({
  path: ['ab', 'ls'],
  summary: 'List the A/B tests of the store.',
  options: {},
  positionals: [],
  examples: [{ command: 'ab ls', does: 'The tests of the store in .modelkeep.' }],
  async run({ storage, out, signal }) {
    const names = await namesUnder(await storage(), 'experiments/', { signal });
    await out.result(names, () => (names.length === 0 ? 'No A/B tests.' : names.map(printable).join('\n')));
  },
});
