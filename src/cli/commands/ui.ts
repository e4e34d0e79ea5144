import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { ModelkeepError } from '../../core/errors.ts';
import { defineCommand, type Command } from '../command.ts';
import { UsageError } from '../usage-error.ts';

const usualPort = 4680;

export const ui: Command = defineCommand({
  path: ['ui'],
  summary: 'Look at the store in a browser: runs, models, features, pipelines, monitors, rollouts and A/B tests.',
  details: [
    'The pages are served on this machine only, on 127.0.0.1, until Ctrl-C. They change nothing, unless --write lets versions be promoted and rolled back; whoever has an account on this machine can then do so, too.',
    'With --module, its gates are asked before a promotion.',
  ],
  options: {
    port: { type: 'number', short: 'p', value: 'N', description: 'The port; 0 takes a free one.', otherwise: String(usualPort) },
    write: { type: 'flag', description: 'Let versions be promoted and rolled back.' },
    actor: { type: 'text', value: 'NAME', description: 'Who stands in the history of what is changed.', otherwise: 'your user name' },
  },
  positionals: [],
  examples: [
    { command: 'ui', does: `The store in .modelkeep, at http://127.0.0.1:${usualPort}/.` },
    { command: 'ui --store https://mlops.example.test/api --port 0', does: 'The store behind a server, on a free port.' },
    { command: 'ui --write --actor ada', does: 'With forms that promote and roll back.' },
  ],
  async run({ options, storage, moduleIfGiven, out, signal, host }) {
    const { port = usualPort } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`--port is ${port}; a port is a whole number from 0 to 65535.`, "See 'modelkeep ui --help'.");
    const [{ createServer }, { createUiHandler }, { toNodeHandler }] = await Promise.all([import('node:http'), import('../../ui.ts'), import('../../server.ts')]);
    const gates = (await moduleIfGiven())?.gates;
    const actor = options.actor ?? (host.env['USER'] || host.env['USERNAME'] || undefined);
    const failures = (error: unknown): void => void out.note(String(error));
    const handler = createUiHandler(await storage(), { write: options.write, timeZone: host.timeZone, actor, gates, logger: { debug: () => undefined, info: () => undefined, warn: failures, error: failures } });
    const server = createServer(toNodeHandler(handler));
    const url = `http://127.0.0.1:${await listening(server, port)}/`;
    await out.result({ url, write: options.write }, () => `${url}\nCtrl-C ends it.`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    // Pages that are open hold streams, which would keep it from ending.
    server.close();
    server.closeAllConnections();
  },
});

/** Opens the port on this machine alone, and gives its number. */
async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'is not for everybody' : `cannot be opened (${code ?? String(cause)})`;
    throw new ModelkeepError('unavailable', `Port ${port} ${why}; give another one with --port, or 0 for a free one.`, { port, cause });
  }
  return (server.address() as AddressInfo).port;
}
