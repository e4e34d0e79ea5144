import { defineCommand, type Command } from '../../command.ts';
import { bytesText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';
import { UsageError } from '../../usage-error.ts';
import { keyPrefix } from '../../value-rules.ts';
import { writeFileWhole } from '../../write-file.ts';

export const storeExport: Command = defineCommand({
  path: ['store', 'export'],
  summary: 'Write the whole store as one checksummed stream, which store import puts into a store of any kind.',
  details: ['It is not compressed; pipe it through gzip or zstd.'],
  options: {
    output: { type: 'text', short: 'o', value: 'FILE', description: 'Where it is written.', otherwise: 'standard output, which must not be a terminal' },
    prefix: { type: 'text', value: 'KEY', rule: keyPrefix, description: 'Only what has keys that begin with it, such as registry/, and the blobs of that.' },
  },
  positionals: [],
  examples: [
    { command: 'store export -o backup.modelkeep', does: 'A backup, as a file.' },
    { command: 'store export | gzip > backup.modelkeep.gz', does: 'The same, compressed.' },
  ],
  async run({ options, storage, out, progress, signal, host }) {
    if (options.output === undefined && host.stdout.isTerminal) throw new UsageError('An export is bytes that are not for a terminal; give -o FILE, or pipe it.');
    const { exportStore } = await import('../../../index.ts');
    const bytes = exportStore(await storage(), { prefix: options.prefix, signal, onProgress: progress });
    if (options.output === undefined) {
      for await (const chunk of bytes) await out.write(chunk);
      return;
    }
    const file = options.output;
    const size = await writeFileWhole(file, bytes, host);
    await out.result({ file, bytes: size }, () => `${printable(file)}: ${bytesText(size)}.`);
  },
});
