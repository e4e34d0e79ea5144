import { defineCommand, type Command } from '../../command.ts';
import { writeFileWhole } from '../../write-file.ts';
import { openRegistry } from './open-registry.ts';

export const modelsCard: Command = defineCommand({
  path: ['models', 'card'],
  summary: 'Write the model card of a version: Markdown with the front matter of Hugging Face, filled from the records.',
  options: {
    task: { type: 'text', value: 'TASK', description: 'What the model does, such as tabular-classification.', otherwise: "the version's tag `task`" },
    'intended-use': { type: 'texts', value: 'TEXT', description: 'What it is meant for.' },
    limitation: { type: 'texts', value: 'TEXT', description: 'What it cannot do, or must not be used for.' },
    output: { type: 'text', short: 'o', value: 'FILE', description: 'Where it is written.', otherwise: 'standard output' },
  },
  positionals: [{ name: 'VERSION', description: 'Such as NAME@3 or NAME@production.' }],
  examples: [{ command: 'models card flight-delay@production -o MODEL_CARD.md', does: 'The card of the version in production, as a file.' }],
  async run(call) {
    const { options, positionals: [ref = ''], out, signal, host } = call;
    const registry = await openRegistry(call);
    const card = await registry.modelCard(ref, { task: options.task, intendedUse: listed(options['intended-use']), limitations: listed(options.limitation), signal });
    if (options.output !== undefined) {
      const bytes = await writeFileWhole(options.output, [card], host);
      return out.result({ file: options.output, bytes }, () => '');
    }
    await (out.json ? out.result({ card }, () => '') : out.write(card));
  },
});

function listed(texts: readonly string[]): readonly string[] | undefined {
  return texts.length === 0 ? undefined : texts;
}
