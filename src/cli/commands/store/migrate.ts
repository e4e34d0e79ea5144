import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { library } from '../../library.ts';
import { bytesText, countText } from '../../output/formats.ts';
import { isSamePlace, storePlace } from '../../open-store.ts';
import { printable } from '../../output/printable.ts';
import { UsageError } from '../../usage-error.ts';

export const storeMigrate: Command = defineCommand({
  path: ['store', 'migrate'],
  summary: 'Copy the store to another place: a directory to a server, a server to a directory; exit 1 when something differs there.',
  details: [
    'It may be stopped and repeated: nothing is copied twice, nothing is overwritten that was changed on the other side, and what came in meanwhile follows with the next call. In the store it leaves only a note of how far it came, under replication/.',
    'The token of a target that is a server is MODELKEEP_TARGET_TOKEN. A server that guards models refuses those of another store; it must be run with guardDomains: false meanwhile.',
  ],
  options: { all: { type: 'flag', description: 'Copy blobs that no record names, too.' } },
  positionals: [{ name: 'TARGET', description: 'A directory, which is made when there is none, or the address of a server.' }],
  examples: [{ command: 'store migrate https://mlops.example.test/api --store .modelkeep', does: 'From this directory to the server of a team.' }],
  async run({ options, positionals: [target = ''], storage, storeOption, targetStorage, out, progress, signal, host }) {
    const source = storePlace(storeOption, host);
    if (await isSamePlace(source, target, host)) throw new UsageError(`TARGET is the store itself, ${printable(source)}; give another place.`, "See 'modelkeep store migrate --help'.");
    const { replicate } = await library();
    const from = await storage();
    await using link = replicate({ from, to: await targetStorage(target, { create: true }), blobs: options.all ? 'all' : 'referenced', signal, onProgress: progress, lock: false, wake: false });
    const counts = await link.settled({ signal });
    const conflicts = link.conflicts().map(({ kind, key }) => ({ kind, key }));
    await out.result({ ...counts, conflicts }, () =>
      [
        `${countText(counts.records, 'record')}, ${countText(counts.entries, 'log entry', 'log entries')} and ${countText(counts.blobs, 'blob')} copied (${bytesText(counts.bytes)}).`,
        ...conflicts.map(({ kind, key }) => printable(`Different there, and left as it is: ${kind} ${key}`)),
      ].join('\n'),
    );
    return conflicts.length > 0 ? exitCodes.failed : exitCodes.done;
  },
});
