import { defineCommand, type Command } from '../../command.ts';
import { library } from '../../library.ts';
import { countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';
import { storedNames } from '../../stored-names.ts';

export const driftLs: Command = defineCommand({
  path: ['drift', 'ls'],
  summary: 'List the drift monitors of the store.',
  options: {},
  positionals: [],
  examples: [{ command: 'drift ls', does: 'The monitors of the store in .modelkeep.' }],
  async run({ storage, out, signal }) {
    const [{ DriftMonitor }, store] = await Promise.all([library(), storage()]);
    const { names, damaged } = await storedNames((after) => DriftMonitor.list({ storage: store, after, signal }));
    await out.result(names, () => (names.length === 0 ? 'No monitors.' : names.map(printable).join('\n')));
    if (damaged > 0) await out.note(`${countText(damaged, 'monitor')} cannot be read; 'modelkeep store check' tells why.`);
  },
});
