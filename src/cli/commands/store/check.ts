import type { Duration } from '../../../core/duration.ts';
import type { StoreFinding } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { countText } from '../../output/formats.ts';
import { statusStyle } from '../../output/status-style.ts';
import { table } from '../../output/table.ts';
import { lengthOfTime } from '../../value-rules.ts';

export const storeCheck: Command = defineCommand({
  path: ['store', 'check'],
  summary: 'Look through the whole store for damage and leftovers; exit 1 when anything is damaged.',
  details: ['It deletes nothing that somebody may want. Damage stays as it is for whoever has a copy to restore from.'],
  options: {
    repair: { type: 'flag', description: 'Mend what can be mended without a decision: leftovers of dead processes.' },
    quick: { type: 'flag', description: 'Read records only, and look for blobs without reading them.' },
    grace: { type: 'text', value: 'TIME', rule: lengthOfTime, description: 'What is younger may belong to a writer that is running.', otherwise: '1d' },
  },
  positionals: [],
  examples: [
    { command: 'store check', does: 'Every record, blob and log, to the last byte.' },
    { command: 'store check --quick --json', does: 'A quick look, for a script.' },
  ],
  async run({ options, storage, out, progress, signal }) {
    const { checkStore } = await import('../../../index.ts');
    const findings: StoreFinding[] = [];
    for await (const finding of checkStore(await storage(), { repair: options.repair, deep: !options.quick, grace: options.grace as Duration | undefined, signal, onProgress: progress })) findings.push(finding);
    const damage = findings.filter(({ kind }) => kind === 'damage').length;
    await out.result({ damage, findings }, (page) =>
      findings.length === 0
        ? page.style('good', 'Nothing is wrong.')
        : `${table(findings, [
            { head: 'KIND', text: ({ kind, repaired }) => (repaired ? `${kind}, mended` : kind), whole: true, style: ({ kind }) => statusStyle(kind) },
            { head: 'WHERE', text: ({ where }) => where, whole: true },
            { head: 'WHAT', text: ({ message }) => message },
          ], { ...page, width: Infinity })}\n${countText(damage, 'damaged place')}, ${countText(findings.length - damage, 'leftover')}.`,
    );
    return damage > 0 ? exitCodes.failed : exitCodes.done;
  },
});
