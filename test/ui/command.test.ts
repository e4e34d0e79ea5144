import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliHost, InterruptSignal, OutputStream } from '../../src/cli/host.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { systemClock } from '../../src/core/clock.ts';
import { cli } from '../cli/cli-host.ts';

let directory: string;
let id: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'modelkeep-ui-command-'));
  await using storage = new FilesystemStorage(join(directory, '.modelkeep'));
  await new Tracker({ storage }).withRun({ experiment: 'demo', name: 'from the command line' }, (run) => {
    id = run.id;
    run.logMetrics({ loss: 1 });
  });
});

afterAll(() => rm(directory, { recursive: true, force: true }));

interface Served {
  readonly url: string;
  /** What was written to stderr. */
  readonly told: readonly string[];
  readonly openedAddresses: readonly string[];
  end(): Promise<number>;
}

/** Runs `ui` until it says its address. */
async function serve(line: readonly string[], { browser = true }: { browser?: boolean } = {}): Promise<Served> {
  let interrupt: (signal: InterruptSignal) => void = () => undefined;
  let said: (text: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => (said = resolve));
  const told: string[] = [];
  const openedAddresses: string[] = [];
  const stream = (to: (text: string) => void): OutputStream => ({ isTerminal: false, columns: undefined, write: async (chunk) => (to(String(chunk)), true) });
  const host: CliHost = {
    ...{ env: {}, directory, clock: systemClock, timeZone: 'UTC', runtimeVersion: process.version },
    stdout: stream((text) => said(text)),
    stderr: stream((text) => void told.push(text)),
    stdin: (async function* () {})(),
    onInterrupt: (listener) => ((interrupt = listener), () => undefined),
    onStandstill: () => () => undefined,
    openAddress: async (url) => (openedAddresses.push(url), browser),
    exit: () => undefined,
    importModule: async () => ({}),
  };
  const served = runCli(['ui', '--port', '0', ...line], host);
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(await first)![0];
  return { url, told, openedAddresses, end: () => (interrupt('SIGINT'), served) };
}

describe('modelkeep ui', () => {
  it('serves the store on this machine alone until it is interrupted', async () => {
    const served = await serve(['--json']);
    expect(await (await fetch(served.url)).text()).toContain('from the command line');
    // A page that is open must not keep it from ending.
    const open = await fetch(`${served.url}live?of=runs`);
    expect(open.status).toBe(200);
    expect(await served.end()).toBe(130);
    await expect(fetch(served.url)).rejects.toThrow();
    await open.body!.cancel().catch(() => undefined);
    expect(served.openedAddresses).toEqual([]);
  });

  it('opens a page in the browser, and says so where there is none', async () => {
    const served = await serve(['--open', '--page', 'http://127.0.0.1:1/models?after=x#list']);
    expect(await served.end()).toBe(130);
    expect([served.openedAddresses, served.told]).toEqual([[`${served.url}models?after=x#list`], []]);
    // Whatever is asked for, the address is one of these pages.
    for (const [page, opened] of [['http://h///other.test/run', '//other.test/run'], ['/https://other.test/run', 'https://other.test/run'], ['/javascript:alert(1)', 'javascript:alert(1)'], ['//other.test/../models', 'models']] as const) {
      const own = await serve(['--open', '--page', page]);
      await own.end();
      expect(own.openedAddresses).toEqual([`${own.url}${opened}`]);
    }
    const without = await serve(['--open'], { browser: false });
    expect(await without.end()).toBe(130);
    expect(without.openedAddresses).toEqual([`${without.url}runs`]);
    expect(without.told.join('')).toContain('open the address yourself');
  });

  it('writes a page as a file that loads nothing, whole or not at all, and serves nothing', async () => {
    const { code, stdout } = await cli(['ui', '--export', 'run.html', '--page', `run?id=${id}`], { directory });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^run\.html: [\d.]+ KB\.\n$/)]);
    const text = await readFile(join(directory, 'run.html'), 'utf8');
    for (const shown of ['from the command line', '<svg', 'As of ']) expect(text).toContain(shown);
    // Nothing in it asks anybody for anything, and no link leads to a server that is gone.
    expect(text.match(/(?:src|href|action|data-part)="(?!#|data:)[^"]*"/g)).toBeNull();
    await cli(['ui', '--export', 'run.html'], { directory });
    expect(await readFile(join(directory, 'run.html'), 'utf8')).toContain('Showing 1 run');
    const before = (await readdir(directory)).sort();
    for (const [line, status, why] of [
      [['--page', 'run?id=01a22b2e-202c-73be-9c53-cb06b44922a1'], 1, 'does not exist'],
      [['--page', 'run'], 1, "The address has no 'id'"],
      [['--page', 'artifact-file?run=1'], 1, "There is no page 'artifact-file'"],
      [['--page', 'runs?filter=metrics.loss+<'], 1, 'cannot be read at character 15'],
      [['--port', '0'], 2, 'it takes no --port'],
      [['--page', 'http://['], 2, 'which is no address'],
    ] as const) {
      const outcome = await cli(['ui', '--export', 'other.html', ...line], { directory });
      expect([line, outcome.code, outcome.stderr]).toEqual([line, status, expect.stringContaining(why)]);
    }
    expect((await readdir(directory)).sort()).toEqual(before);
    expect((await cli(['ui', '--page', 'models'], { directory })).code).toBe(2);
  });

  it('says that a port is in use, and how to take another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr, stdout } = await cli(['ui', '--port', String(port)], { directory });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`Port ${port} is in use; give another one with --port`);
    other.close();
  });

  it('refuses a port that is none, and a store that is not there', async () => {
    expect((await cli(['ui', '--port', '70000'], { directory })).code).toBe(2);
    expect((await cli(['ui', '--port', '0', '--store', join(directory, 'nowhere')], { directory })).code).toBe(1);
  });
});
