import type { DriftVerdict } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { monitorHistory } from '../../monitor-history.ts';
import { timeText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { titled } from '../../output/sections.ts';
import { statusStyle } from '../../output/status-style.ts';
import { table } from '../../output/table.ts';
import { wholeNumber } from '../../value-rules.ts';
import { driftText } from './drift-text.ts';

export const driftShow: Command = defineCommand({
  path: ['drift', 'show'],
  summary: "Show a monitor's last verdicts, the newest in full; exit 3 when that one says drifted.",
  options: { limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1), description: 'So many of the last windows.', otherwise: '20' } },
  positionals: [{ name: 'MONITOR', description: 'The name of a monitor.' }],
  examples: [{ command: 'drift show flight-delay', does: 'How the last windows of a monitor were judged.' }],
  async run({ options, positionals: [name = ''], storage, out, signal }) {
    const monitor = await monitorHistory(await storage(), name, signal);
    const verdicts = await monitor.verdicts(options.limit ?? 20);
    await out.result(verdicts, (page) => textOf(verdicts, page));
    return verdicts.at(-1)?.drifted === true ? exitCodes.gate : exitCodes.done;
  },
});

function textOf(verdicts: readonly DriftVerdict[], page: TextPage): string {
  const last = verdicts.at(-1);
  if (last === undefined) return 'No window has been judged yet.';
  return [
    table([...verdicts].reverse(), [
      { head: 'WINDOW', text: ({ window }) => String(window.number), align: 'right' },
      { head: 'ROWS', text: ({ window }) => String(window.rows), align: 'right' },
      { head: 'FROM', text: ({ window }) => timeText(window.start ?? window.from, page), whole: true, spare: true },
      { head: 'TO', text: ({ window }) => timeText(window.end ?? window.to, page), whole: true, spare: true },
      { head: 'STATUS', text: ({ status }) => status, whole: true, style: ({ status }) => statusStyle(status) },
      { head: 'DRIFTED', text: ({ driftedColumns }) => driftedColumns.join(', ') },
    ], page),
    titled(`Window ${last.window.number}`, driftText(last, page), page),
  ].join('\n\n');
}
