import type { Duration } from '../../../core/duration.ts';
import { defineCommand, type Command } from '../../command.ts';
import { bytesText, countText } from '../../output/formats.ts';
import { lengthOfTime } from '../../value-rules.ts';

export const storeGc: Command = defineCommand({
  path: ['store', 'gc'],
  summary: 'Delete the blobs that no record names: a first call marks them, a later one, after the grace, deletes.',
  options: {
    'dry-run': { type: 'flag', short: 'n', description: 'Only tell what would be done.' },
    grace: { type: 'text', value: 'TIME', rule: lengthOfTime, description: 'How long a writer may take between a blob and the record that names it.', otherwise: '1d' },
  },
  positionals: [],
  examples: [{ command: 'store gc', does: 'Once a day, from cron.' }],
  async run({ options, storage, out, progress, signal }) {
    const { collectGarbage } = await import('../../../index.ts');
    const report = await collectGarbage(await storage(), { dryRun: options['dry-run'], grace: options.grace as Duration | undefined, signal, onProgress: progress });
    const { deleted, freedBytes, marked, waiting, leftovers } = report;
    const would = options['dry-run'] ? 'would be ' : '';
    await out.result(report, () => `${countText(deleted, 'blob')} ${would}deleted (${bytesText(freedBytes)}), ${marked} newly marked, ${waiting} waiting; ${countText(leftovers, 'leftover')} ${options['dry-run'] ? 'found' : 'removed'}.`);
  },
});
