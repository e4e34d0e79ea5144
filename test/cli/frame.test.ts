import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, Tracker, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, test } from 'vitest';
import { defineCommand } from '../../src/cli/command.ts';
import { commands, type CommandLoaders } from '../../src/cli/commands.ts';
import { findCommand } from '../../src/cli/find-command.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { listen } from '../server/listening.ts';
import { cli, type CliOutcome, type HostOptions } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();

/** A store with a run whose names are hostile. */
async function storeWithRun(): Promise<{ readonly directory: string; readonly id: string }> {
  const directory = join(temporaryDirectory(), 'store');
  await using storage = new FilesystemStorage(directory);
  const tracker = new Tracker({ storage });
  const run = await tracker.startRun({ experiment: 'flights', name: 'evil \x1b[31mred\u202Etxt\nline', params: { optimizer: 'adam' } });
  run.logMetrics({ loss: 0.125, auc: NaN }, { step: 3 });
  await run.end('finished');
  return { directory, id: run.id };
}

/** The words of a command line as a shell has them, up to what pipes and redirects. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!);
  const end = words.findIndex((word) => ['|', '>', '<'].includes(word));
  return end < 0 ? words : words.slice(0, end);
}

describe('help', () => {
  test('without a command it lists all of them, each on a line with what it does', async () => {
    const { code, stdout } = await cli([]);
    expect(code).toBe(0);
    for (const path of Object.keys(commands)) {
      const { summary } = await commands[path]!();
      expect(stdout.replace(/\s+/g, ' ')).toContain(`${path} ${summary}`.replace(/\s+/g, ' '));
    }
  });

  test('every command calls itself by the words it is listed under, and shows examples that it can parse', async () => {
    for (const [path, load] of Object.entries(commands)) {
      const command = await load();
      expect(command.path.join(' ')).toBe(path);
      expect(command.examples.length, path).toBeGreaterThan(0);
      for (const { command: line } of command.examples) {
        const found = await findCommand(wordsOf(line), commands);
        expect(found.command.path, line).toEqual(command.path);
        expect(() => parseArguments(found.args, found.command), line).not.toThrow();
      }
      const help = await cli([...command.path, '--help']);
      expect(help.code).toBe(0);
      for (const name of Object.keys(command.options)) expect(help.stdout).toContain(`--${name}`);
    }
  });

  test('help of a group lists its commands; `help x y` and `x y -h` are the same', async () => {
    const group = await cli(['runs', '--help']);
    expect(group.stdout).toContain('runs ls');
    expect((await cli(['help', 'runs'])).stdout).toBe(group.stdout);
    expect((await cli(['help', 'runs', 'ls'])).stdout).toBe((await cli(['runs', 'ls', '-h'])).stdout);
  });

  test('the lines fit a narrow terminal', async () => {
    const { stdout } = await cli(['runs', 'ls', '--help'], { columns: 60 });
    const words = stdout.split('\n').filter((line) => line.length > 62 && !line.includes('modelkeep runs'));
    expect(words.filter((line) => !line.includes('\x1b'))).toEqual([]);
  });

  test('--version is that of the package', async () => {
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage ends with 2, says what was meant, and does nothing', () => {
  test.each([
    [['rusn', 'ls'], "There is no command 'rusn'; did you mean 'runs'?"],
    [['runs', 'sl'], "There is no command 'runs sl'; did you mean 'ls'?"],
    [['runs'], "'runs' needs a command behind it: ls, show"],
    [['runs', 'ls', '--limt', '3'], "There is no option --limt; did you mean '--limit'?"],
    [['runs', 'ls', '--limit'], '--limit needs a value: --limit N.'],
    [['runs', 'ls', '--limit', '--json'], '--limit needs a value, and --json looks like an option'],
    [['runs', 'ls', '--limit', 'ten'], "--limit is 'ten'; give a whole number of at least 1."],
    [['runs', 'ls', '--limit', '1', '--limit', '2'], '--limit is given twice.'],
    [['runs', 'ls', '--limit', '-5'], '--limit is -5; give a whole number of at least 1.'],
    [['runs', 'ls', '--json=yes'], '--json takes no value.'],
    [['runs', 'ls', '--deleted', 'onyl'], "--deleted is 'onyl'; give one of exclude, include, only; did you mean 'only'?"],
    [['runs', 'ls', 'more'], "'more' is one argument too many."],
    [['runs', 'show'], 'RUN is missing: The id of the run.'],
    [['--stroe', 'x', 'runs', 'ls'], 'There is no command.'],
    [['help', 'rnus'], "There is no command 'rnus'"],
  ])('%j', async (line, message) => {
    const { code, stdout, stderr } = await cli(line);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('with --json the error is an object on standard error', async () => {
    const { stderr } = await cli(['runs', 'show', '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage', hint: "See 'modelkeep runs show --help'." } });
  });
});

describe('stores', () => {
  test('global options may stand before the command and behind it', async () => {
    const { directory, id } = await storeWithRun();
    for (const line of [['--store', directory, 'runs', 'ls', '--json'], ['runs', '-s', directory, 'ls', '--json'], ['runs', 'ls', `--store=${directory}`, '--json']]) {
      expect((await cli(line)).json().items[0].id).toBe(id);
    }
    expect((await cli(['runs', 'ls', '--json'], { env: { MODELKEEP_STORE: directory } })).json().items).toHaveLength(1);
  });

  test('a directory that is missing or empty is an error, and nothing is made of it', async () => {
    const parent = temporaryDirectory();
    await mkdir(join(parent, 'empty'));
    for (const name of ['missing', 'empty']) {
      const { code, stderr, stdout } = await cli(['runs', 'ls', '--store', join(parent, name)]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`There is no store at ${join(parent, name)}`);
      expect(stderr).toContain('[not-found]');
    }
    expect(await readdir(parent)).toEqual(['empty']);
    expect(await readdir(join(parent, 'empty'))).toEqual([]);
  });

  test('so is one that holds something else, is a file, or was written by a newer format', async () => {
    const parent = temporaryDirectory();
    await mkdir(join(parent, 'other'));
    await writeFile(join(parent, 'other', 'notes.txt'), 'x');
    await mkdir(join(parent, 'newer'));
    await writeFile(join(parent, 'newer', 'modelkeep.json'), '{"format":"modelkeep","version":99}\n');
    for (const [name, code] of [['other', 'not-a-store'], ['other/notes.txt', 'not-a-store'], ['newer', 'unknown-store-version']] as const) {
      const outcome = await cli(['runs', 'ls', '--json', '--store', join(parent, name)]);
      expect(outcome.code).toBe(1);
      expect(JSON.parse(outcome.stderr).error.code).toBe(code);
    }
  });

  test('a server that cannot be reached, or that wants a token, is said to', async () => {
    await using server = await listen((_request, response) => void response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"code":"unauthorized","message":"Who are you?"}}'));
    const refused = await cli(['runs', 'ls', '--store', server.url]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('[unauthorized]\nSet MODELKEEP_TOKEN');
    const { port } = server;
    await server[Symbol.asyncDispose]();
    const gone = await cli(['runs', 'ls', '--store', `http://127.0.0.1:${port}`]);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('[unavailable]');
  });
});

describe('runs', () => {
  test('names are shown without what would move the cursor, and JSON keeps them', async () => {
    const { directory } = await storeWithRun();
    const shown = await cli(['runs', 'ls', '--store', directory]);
    expect(shown.stdout).toContain('evil \\x1b[31mred\\u202etxt\\nline');
    expect(shown.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    const json = await cli(['runs', 'ls', '--json', '--store', directory]);
    expect(json.json().items[0].name).toBe('evil \x1b[31mred\u202Etxt\nline');
    expect(json.stdout).not.toContain('\u202E');
    expect(json.json().items[0].metrics.auc.value).toBe('NaN');
  });

  test('a table fits the terminal, with whole ids', async () => {
    const { directory, id } = await storeWithRun();
    const { stdout } = await cli(['runs', 'ls', '--store', directory], { columns: 80, env: { NO_COLOR: '1' } });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toContain(id);
    expect(stdout).toContain('Too narrow for:');
    // The id alone is nearly as wide.
    const narrow = (await cli(['runs', 'ls', '--store', directory], { columns: 40, env: { NO_COLOR: '1' } })).stdout.trimEnd().split('\n');
    expect(narrow.filter((line) => line.length > 40)).toEqual([]);
    expect(narrow[1]).toBe(id);
    expect((await cli(['runs', 'ls', '--store', directory], { columns: 200 })).stdout).toContain('\x1b[1mRUN');
  });

  test('show has params, metrics, and says which run is not there', async () => {
    const { directory, id } = await storeWithRun();
    const { stdout } = await cli(['runs', 'show', id, '--store', directory]);
    expect(stdout).toMatch(/optimizer +adam/);
    expect(stdout).toMatch(/loss +0.125 +3/);
    const missing = await cli(['runs', 'show', id.replace(/^./, 'f'), '--store', directory]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('[not-found]');
  });

  test('a filter that cannot be read is told with its place', async () => {
    const { directory } = await storeWithRun();
    const { code, stderr } = await cli(['runs', 'ls', '--filter', 'metrics.loss <', '--store', directory]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--filter: The filter cannot be read at character 15.*\n +metrics.loss <\n +\^ \[usage\]/);
  });
});

describe('ends', () => {
  const waiting = (onClose: () => void): CommandLoaders => ({
    wait: async () =>
      defineCommand({
        path: ['wait'], summary: 'Waits.', options: {}, positionals: [], examples: [],
        run: ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => {
          onClose();
          reject(new AbortedError('Stopped.', { cause: signal.reason }));
        })),
      }),
    count: async () =>
      defineCommand({
        path: ['count'], summary: 'Counts.', options: {}, positionals: [], examples: [],
        async run({ out, signal }) {
          for (let i = 0; i < 1000; i++) {
            if (signal.aborted) throw new AbortedError('Stopped.', { cause: signal.reason });
            await out.write(`${i}\n`);
          }
        },
      }),
  });

  test('Ctrl-C lets a command finish what it does and ends with 130, SIGTERM with 143; the second one ends at once', async () => {
    let finished = 0;
    for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
      const outcome = await cli(['wait'], { loaders: waiting(() => finished++), interrupts: (interrupt) => queueMicrotask(() => {
        interrupt(signal);
        interrupt(signal);
      }) });
      expect(outcome).toMatchObject({ code, stderr: '', exits: [code] });
    }
    expect(finished).toBe(2);
  });

  /** Runs a line whose code of the user comes to a standstill when it calls `stop`. */
  const standing = async (line: readonly string[], options: (stop: () => Promise<never>) => HostOptions): Promise<CliOutcome> => {
    const told: (() => void)[] = [];
    const stop = (): Promise<never> => {
      queueMicrotask(() => told.forEach((tell) => tell()));
      return new Promise(() => undefined);
    };
    return cli(line, { ...options(stop), standstills: (tell) => told.push(tell) });
  };

  test('a module that never comes to its end, with nothing left that could bring it there, is told with 1', async () => {
    const { directory } = await storeWithRun();
    const line = ['models', 'check', 'delay@1', 'production', '--store', directory, '-m', 'mlops.js'];
    for (const options of [(stop: () => Promise<never>) => ({ modules: { get 'mlops.js'() { return stop(); } } }), (stop: () => Promise<never>) => ({ modules: { 'mlops.js': { pipelines: stop } } })]) {
      const outcome = await standing(line, options);
      expect(outcome).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr).toMatch(/The module .*mlops\.js never came to its end.*\[validation\]\n$/);
    }
  });

  test('so is code of the user that is called and never settles, and the store is closed', async () => {
    const { directory } = await storeWithRun();
    const opened: StorageAdapter[] = [];
    const loaders = (stop: () => Promise<never>): CommandLoaders => ({
      wait: async () => defineCommand({ path: ['wait'], summary: 'Waits.', options: {}, positionals: [], examples: [], run: async ({ storage }) => {
        opened.push(await storage());
        await stop();
      } }),
    });
    for (const [more, text] of [[[], /'modelkeep wait' waits for what .*\[unexpected\]/], [['-m', 'mlops.js'], /mlops\.js never came to an end with what .*\[validation\]/]] as const) {
      const outcome = await standing(['wait', '--store', directory, ...more], (stop) => ({ loaders: loaders(stop) }));
      expect(outcome).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr).toMatch(text);
    }
    expect(opened).toHaveLength(2);
    for (const store of opened) await expect(store.list({})).rejects.toMatchObject({ code: 'closed' });
  });

  test('a reader that goes away ends a long output quietly', async () => {
    const outcome = await cli(['count'], { loaders: waiting(() => undefined), closesAfter: 3 });
    expect(outcome).toMatchObject({ code: 0, stdout: '0\n1\n2\n', stderr: '' });
  });
});
