import type { ImportDamage } from '../../../interchange.ts';
import { defineCommand, type Command } from '../../command.ts';
import { writeFileWhole } from '../../write-file.ts';

export const runsExport: Command = defineCommand({
  path: ['runs', 'export'],
  summary: 'Write runs with all their points as JSONL or CSV, which runs import reads back.',
  details: ['JSONL keeps everything but the bytes of artifacts. CSV has a line per point, or with --rows runs a line per run with its params, tags and latest metrics.'],
  options: {
    format: { type: 'text', value: 'FORMAT', choices: ['jsonl', 'csv'], description: 'What is written.', otherwise: 'jsonl' },
    rows: { type: 'text', value: 'ROWS', choices: ['points', 'runs'], description: 'What a line of CSV is.', otherwise: 'points' },
    experiment: { type: 'texts', short: 'e', value: 'NAME', description: 'Only runs of this experiment.' },
    output: { type: 'text', short: 'o', value: 'FILE', description: 'Where it is written.', otherwise: 'standard output' },
    'formula-guard': { type: 'flag', description: 'Put an apostrophe before texts of CSV that a spreadsheet would take for a formula.' },
  },
  positionals: [],
  examples: [
    { command: 'runs export -o runs.jsonl', does: 'All runs of the store, as a file.' },
    { command: 'runs export --format csv --rows runs -e flight-delay | head -3', does: 'A line per run of one experiment.' },
  ],
  async run({ options, storage, out, progress, signal, host }) {
    const { Tracker } = await import('../../../index.ts');
    const { exportRunsCsv, exportRunsJsonl } = await import('../../../interchange.ts');
    const tracker = new Tracker({ storage: await storage() });
    const runs = tracker.exportRuns({ experiments: options.experiment.length === 0 ? undefined : options.experiment, signal });
    const damaged: ImportDamage[] = [];
    const shared = { signal, onProgress: progress, onDamage: (damage: ImportDamage) => void damaged.push(damage) };
    const pieces =
      options.format === 'csv'
        ? exportRunsCsv(runs, { ...shared, rows: options.rows as 'points' | 'runs' | undefined, formulaGuard: options['formula-guard'] })
        : exportRunsJsonl(runs, shared);
    if (options.output === undefined) for await (const piece of pieces) await out.write(piece);
    else {
      const bytes = await writeFileWhole(options.output, pieces, host);
      await out.result({ file: options.output, bytes, damaged }, () => '');
    }
    for (const { where, message } of damaged) await out.note(`Left out, damaged: ${where}: ${message}`);
    return damaged.length > 0 ? 1 : 0;
  },
});
