import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliHost, InterruptSignal } from '../../src/cli/host.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { systemClock } from '../../src/core/clock.ts';
import { cli } from '../cli/cli-host.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'modelkeep-ui-command-'));
  await using storage = new FilesystemStorage(join(directory, '.modelkeep'));
  await new Tracker({ storage }).withRun({ experiment: 'demo', name: 'from the command line' }, (run) => run.logMetrics({ loss: 1 }));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe('modelkeep ui', () => {
  it('serves the store on this machine alone until it is interrupted', async () => {
    let interrupt: (signal: InterruptSignal) => void = () => undefined;
    let told: (text: string) => void = () => undefined;
    const line = new Promise<string>((resolve) => (told = resolve));
    const stream = { isTerminal: false, columns: undefined, write: async (chunk: string | Uint8Array) => (told(String(chunk)), true) };
    const host: CliHost = {
      ...{ env: {}, directory, stdout: stream, stderr: stream, clock: systemClock, timeZone: 'UTC', runtimeVersion: process.version },
      stdin: (async function* () {})(),
      onInterrupt: (listener) => ((interrupt = listener), () => undefined),
      onStandstill: () => () => undefined,
      exit: () => undefined,
      importModule: async () => ({}),
    };
    const served = runCli(['ui', '--port', '0', '--json'], host);
    const { url } = JSON.parse(await line) as { url: string };
    expect(await (await fetch(url)).text()).toContain('from the command line');
    // A page that is open must not keep it from ending.
    const open = await fetch(`${url}live?of=runs`);
    expect(open.status).toBe(200);
    interrupt('SIGINT');
    expect(await served).toBe(130);
    await expect(fetch(url)).rejects.toThrow();
    await open.body!.cancel().catch(() => undefined);
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
