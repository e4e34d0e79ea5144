import type { Stage } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { stageOf, stages } from './stage.ts';
import { gateText } from './gate-text.ts';
import { openRegistry } from './open-registry.ts';

export const modelsCheck: Command = defineCommand({
  path: ['models', 'check'],
  summary: 'Ask the gates whether a version may enter a stage; exit 3 when it may not.',
  details: ['Custom gates are functions of yours: --module supplies them, as an object `gates`. Without it they fail.'],
  options: { markdown: { type: 'flag', description: 'Print a table in Markdown, for a pull request.' } },
  positionals: [
    { name: 'VERSION', description: 'Such as NAME@3 or NAME@latest.' },
    { name: 'STAGE', description: `One of ${stages.join(', ')}.` },
  ],
  examples: [
    { command: 'models check flight-delay@3 production', does: 'In CI: the job fails with code 3 when a gate does.' },
    { command: 'models check flight-delay@3 production --module ./mlops.js --markdown', does: 'With custom gates, as a comment for a pull request.' },
  ],
  async run(call) {
    const { options, positionals: [ref = '', stage = ''], out, signal } = call;
    const wanted: Stage = stageOf(stage);
    const registry = await openRegistry(call);
    const { gateReportMarkdown } = await import('../../../index.ts');
    const report = await registry.checkGates(ref, wanted, { signal });
    if (options.markdown && !out.json) await out.write(gateReportMarkdown(report));
    else await out.result(report, (page) => gateText(report, page));
    return report.passed ? exitCodes.done : exitCodes.gate;
  },
});
