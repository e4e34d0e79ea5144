import { defineCommand, type Command } from '../../command.ts';
import { writeFileWhole } from '../../write-file.ts';
import { openRegistry } from './open-registry.ts';

export const modelsBom: Command = defineCommand({
  path: ['models', 'bom'],
  summary: 'Write the bill of materials of a version as CycloneDX JSON.',
  options: {
    task: { type: 'text', value: 'TASK', description: 'What the model does, such as tabular-classification.', otherwise: "the version's tag `task`" },
    output: { type: 'text', short: 'o', value: 'FILE', description: 'Where it is written.', otherwise: 'standard output' },
  },
  positionals: [{ name: 'VERSION', description: 'Such as NAME@3 or NAME@production.' }],
  examples: [{ command: 'models bom flight-delay@production -o bom.json', does: 'What the version in production is made of, as a file.' }],
  async run(call) {
    const { options, positionals: [ref = ''], out, signal, host } = call;
    const registry = await openRegistry(call);
    const bom = await registry.bom(ref, { task: options.task, signal });
    const text = `${JSON.stringify(bom, null, 2)}\n`;
    if (options.output !== undefined) {
      const bytes = await writeFileWhole(options.output, [text], host);
      return out.result({ file: options.output, bytes }, () => '');
    }
    await (out.json ? out.result(bom, () => '') : out.write(text));
  },
});
