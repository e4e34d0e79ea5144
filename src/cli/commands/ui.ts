import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { ModelkeepError } from '../../core/errors.ts';
import { defineCommand, type Command, type CommandCall } from '../command.ts';
import { bytesText } from '../output/formats.ts';
import { printable } from '../output/printable.ts';
import { UsageError } from '../usage-error.ts';

const usualPort = 4680;
const help = "See 'modelkeep ui --help'.";

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
    open: { type: 'flag', description: 'Open the pages in the browser.' },
    export: { type: 'text', value: 'FILE', description: 'Serve nothing: write a page as one HTML file that loads nothing, and end.' },
    page: { type: 'text', value: 'ADDRESS', description: 'The page that is opened or written, such as run?id=…, with or without the host.', otherwise: 'the runs' },
  },
  positionals: [],
  examples: [
    { command: 'ui', does: `The store in .modelkeep, at http://127.0.0.1:${usualPort}/.` },
    { command: 'ui --store https://mlops.example.test/api --port 0', does: 'The store behind a server, on a free port.' },
    { command: 'ui --write --actor ada', does: 'With forms that promote and roll back.' },
    { command: 'ui --open', does: 'In the browser of the system at once.' },
    { command: "ui --export model.html --page 'model?name=flight-delay'", does: 'The page of a model as a file to send.' },
  ],
  async run(call) {
    const { options, storage, moduleIfGiven, out, signal, host } = call;
    if (options.export !== undefined) {
      const useless = (['port', 'write', 'actor', 'open'] as const).filter((name) => options[name] !== undefined && options[name] !== false);
      if (useless.length > 0) throw new UsageError(`--export serves nothing, so that it takes no ${useless.map((name) => `--${name}`).join(', ')}.`, help);
      return exportPage({ file: options.export, page: options.page }, call);
    }
    const { port = usualPort } = options;
    if (options.page !== undefined && !options.open) throw new UsageError('--page is the page that --open opens or --export writes; give one of them.', help);
    const opened = options.open ? addressOf(options.page) : undefined;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`--port is ${port}; a port is a whole number from 0 to 65535.`, help);
    const [{ createServer }, { createUiHandler }, { toNodeHandler }] = await Promise.all([import('node:http'), import('../../ui.ts'), import('../../server.ts')]);
    const gates = (await moduleIfGiven())?.gates;
    const actor = options.actor ?? (host.env['USER'] || host.env['USERNAME'] || undefined);
    const failures = (error: unknown): void => void out.note(String(error));
    const handler = createUiHandler(await storage(), { write: options.write, timeZone: host.timeZone, actor, gates, logger: { debug: () => undefined, info: () => undefined, warn: failures, error: failures } });
    const server = createServer(toNodeHandler(handler));
    const url = `http://127.0.0.1:${await listening(server, port)}/`;
    await out.result({ url, write: options.write }, () => `${url}\nCtrl-C ends it.`);
    // Put behind the address and not resolved against it, which would let a page be one of another host.
    if (opened !== undefined && !(await host.openAddress(`${url}${opened}`))) await out.note('There is no browser to open; open the address yourself.');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    // Pages that are open hold streams, which would keep it from ending.
    server.close();
    server.closeAllConnections();
  },
});

/** What of an address is the page's: its name and its query. */
function addressOf(page = 'runs'): string {
  if (!URL.canParse(page, 'http://localhost/')) throw new UsageError(`--page is '${page}', which is no address; give one such as 'run?id=…'.`, help);
  const { pathname, search, hash } = new URL(page, 'http://localhost/');
  return `${pathname.slice(1)}${search}${hash}`;
}

interface ExportWishes {
  readonly file: string;
  readonly page: string | undefined;
}

/** Writes a page as a file, whole or not at all. */
async function exportPage({ file, page }: ExportWishes, { storage, out, signal, host }: Pick<CommandCall, 'storage' | 'out' | 'signal' | 'host'>): Promise<void> {
  const address = addressOf(page);
  const [{ exportUiPage }, { writeFileWhole }] = await Promise.all([import('../../ui.ts'), import('../write-file.ts')]);
  const text = await exportUiPage(await storage(), address, { timeZone: host.timeZone, clock: host.clock, signal });
  const bytes = await writeFileWhole(file, [text], host);
  await out.result({ file, bytes, page: address }, () => `${printable(file)}: ${bytesText(bytes)}.`);
}

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
