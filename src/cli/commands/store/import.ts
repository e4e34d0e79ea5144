import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotFoundError } from '../../../core/errors.ts';
import { defineCommand, type Command } from '../../command.ts';
import { countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';

export const storeImport: Command = defineCommand({
  path: ['store', 'import'],
  summary: 'Put what store export wrote into a store, which is made when there is none; repeated, it goes on.',
  options: { 'on-conflict': { type: 'text', value: 'WHAT', choices: ['fail', 'keep'], description: 'What to do where the store has something else: fail and tell, or keep that.', otherwise: 'fail' } },
  positionals: [{ name: 'FILE', description: 'The export; - for standard input.' }],
  examples: [
    { command: 'store import backup.modelkeep --store restored', does: 'A backup, into a new store.' },
    { command: 'store import - --store https://mlops.example.test/api < backup.modelkeep', does: 'Onto a server.' },
  ],
  async run({ options, positionals: [file = ''], storage, out, progress, signal, host }) {
    const path = resolve(host.directory, file);
    if (file !== '-') {
      await access(path).catch((cause: unknown) => {
        throw new NotFoundError(`There is no file ${path} that can be read.`, { key: path, cause });
      });
    }
    const { importStore } = await import('../../../index.ts');
    const source = file === '-' ? host.stdin : createReadStream(path);
    const report = await importStore(await storage({ create: true }), source, { onConflict: options['on-conflict'] as 'fail' | 'keep' | undefined, signal, onProgress: progress });
    const { records, entries, blobs, known, conflicts } = report;
    await out.result(report, () =>
      [
        `${countText(records, 'record')}, ${countText(entries, 'log entry', 'log entries')} and ${countText(blobs, 'blob')} written; ${known.toLocaleString('en')} were there.`,
        ...conflicts.map(({ kind, key }) => printable(`Kept as it is: ${kind} ${key}`)),
      ].join('\n'),
    );
  },
});
