import { defineCommand, type Command } from '../../command.ts';
import { library } from '../../library.ts';
import { countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';
import { storedNames } from '../../stored-names.ts';

export const abLs: Command = defineCommand({
  path: ['ab', 'ls'],
  summary: 'List the A/B tests of the store.',
  options: {},
  positionals: [],
  examples: [{ command: 'ab ls', does: 'The tests of the store in .modelkeep.' }],
  async run({ storage, out, signal }) {
    const [{ ABTest }, store] = await Promise.all([library(), storage()]);
    const { names, damaged } = await storedNames((after) => ABTest.list({ storage: store, after, signal }));
    await out.result(names, () => (names.length === 0 ? 'No A/B tests.' : names.map(printable).join('\n')));
    if (damaged > 0) await out.note(`${countText(damaged, 'test')} cannot be read; 'modelkeep store check' tells why.`);
  },
});
