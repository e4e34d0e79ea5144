import { defineCommand, type Command } from '../command.ts';
import { diagnose } from '../diagnose.ts';
import { exitCodes } from '../exit-code.ts';
import { table } from '../output/table.ts';
import { storePlace } from '../open-store.ts';

export const doctor: Command = defineCommand({
  path: ['doctor'],
  summary: 'Look at Node, the store, the clock and optional packages, and say what to mend; exit 1 when something must be.',
  details: ['It writes nothing and shows no secret.'],
  options: {},
  positionals: [],
  examples: [
    { command: 'doctor', does: 'When something does not work.' },
    { command: 'doctor --store https://mlops.example.test/api', does: 'Whether a server is there, lets you in, and has the same time.' },
  ],
  async run({ storage, storeOption, out, signal, host }) {
    const checks = await diagnose(storePlace(storeOption, host), storage, host, signal);
    await out.result(checks, (page) =>
      table(checks, [
        { head: '', text: ({ status }) => status, whole: true, style: ({ status }) => (status === 'ok' ? 'good' : status === 'fail' ? 'bad' : status === 'warning' ? 'doubtful' : 'faint') },
        { head: 'CHECK', text: ({ check }) => check, whole: true },
        { head: 'FOUND', text: ({ found }) => found },
        { head: 'WHAT TO DO', text: ({ fix }) => fix },
      ], { ...page, width: Infinity }),
    );
    return checks.some(({ status }) => status === 'fail') ? exitCodes.failed : exitCodes.done;
  },
});
