import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { MemoryStorage, type StorageAdapter } from 'modelkeep';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { InterruptSignal } from '../../../src/cli/host.ts';
import { listen } from '../../server/listening.ts';
import { cli, type CliOutcome, type HostOptions } from '../cli-host.ts';
import { guideLine, guideSessions, type GuideLine } from './guide-lines.ts';
import { makeGuideWorld, retrain, type GuideWorld } from './guide-world.ts';

const sessions = guideSessions();

/** How lines end that do not end with 0, by what they begin with. */
const codes: readonly [line: string, code: number][] = [
  ['drift check january.csv february.csv', 3], // February has drifted
  ['maturity --min-level 2', 3], // a store of so few records is below it
  ['runs import run-q7c3xyoe.wandb', 1], // the end of this file is damaged
  ['runs import wandb', 1],
  ['ui --export', 0], // which serves nothing
  ['ui', 130], // until Ctrl-C
];

/** What guides say that a line prints. Each page must say so, and it must be so. */
const shown: readonly [page: string, line: string, output: string][] = [
  ['docs/migration.md', 'runs import mlruns', '2 runs with 8 points imported, 0 unchanged'],
  ['docs/migration.md', 'runs import run-q7c3xyoe.wandb', '1 run with 4,889 points imported, 0 unchanged'],
  ['docs/migration.md', 'runs import run-q7c3xyoe.wandb', 'Damaged: run-q7c3xyoe.wandb at byte 1376206'],
];

/** Pages whose first program makes the store that their lines look at. */
const withProgram = ['docs/quickstart.md', 'docs/node-training.md'];

const modules = {
  'mlops.js': { pipelines: ({ storage }: { storage: StorageAdapter }) => [retrain(storage, true)], gates: { smoke: () => ({ passed: true }) } },
};

describe('the command lines of the guides', () => {
  const made: string[] = [];
  const makeDirectory = (): string => {
    made.push(mkdtempSync(join(tmpdir(), 'modelkeep-guide-')));
    return made.at(-1)!;
  };
  const world = makeDirectory();
  let ids: GuideWorld;
  beforeAll(async () => {
    ids = await makeGuideWorld(world);
    for (const line of ['store export -o backup.modelkeep', 'runs export -o runs.jsonl']) expect(await cli(line.split(' '), { directory: world })).toMatchObject({ code: 0 });
  });
  afterAll(() => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true });
  });

  /** Runs a program of a guide in a directory, as `node first.mjs` would. */
  async function runProgram(code: string, directory: string): Promise<void> {
    const file = join(directory, 'first.ts');
    await writeFile(file, code);
    const before = process.cwd();
    const silent = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    process.chdir(directory);
    try {
      await import(file);
    } finally {
      silent.mockRestore();
      process.chdir(before);
    }
  }

  /** A line with the ids and addresses that there are here for those of the guides. */
  function here({ words }: GuideLine, url: string): string[] {
    const [first, second] = words[0] === 'pipelines' ? [ids.pipelineRun, ''] : ids.runs;
    return words.map((word) => word.replace('0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f', first).replace('0197a3c2-77aa-7de1-9c30-1f2e3d4c5b6a', second).replace('https://mlops.example.test/api', url));
  }

  async function run(line: GuideLine, directory: string): Promise<CliOutcome> {
    // Empty, and not in charge of models, so that a store can move there.
    await using server = await listen(toNodeHandler(createStorageHandler(new MemoryStorage(), { authorize: 'public', basePath: '/api', guardDomains: false })));
    const words = here(line, `${server.url}/api`);
    const stdin = line.input === undefined ? '' : await readFile(join(directory, line.input));
    const options = { directory, env: { USER: 'ada' }, modules, stdin };
    return await (words[0] === 'ui' && !words.includes('--export') ? lookAtPages(words, options) : cli(words, options));
  }

  /** Serves the pages until they were looked at, on a free port: that of the guides may be in use. */
  async function lookAtPages(words: readonly string[], options: HostOptions): Promise<CliOutcome> {
    const port = await freePort();
    let interrupt: (signal: InterruptSignal) => void = () => undefined;
    const given = words.filter((word, i) => word !== '--port' && words[i - 1] !== '--port');
    const outcome = cli([...given, '--port', String(port)], { ...options, interrupts: (listener) => (interrupt = listener) });
    let ended = false;
    void outcome.finally(() => (ended = true));
    expect(await served(`http://127.0.0.1:${port}/`, () => ended)).toContain('<title>Runs');
    interrupt('SIGINT');
    return outcome;
  }

  it.each(sessions)('$page', async ({ page, lines, program, text }) => {
    const directory = makeDirectory();
    if (withProgram.includes(page)) await runProgram(program!, directory);
    else cpSync(world, directory, { recursive: true });
    for (const line of lines) {
      const said = line.words.join(' ');
      const begins = (start: string): boolean => said === start || said.startsWith(`${start} `);
      const { code, stdout, stderr } = await run(line, directory);
      expect(code, `${line.place} ${said}\n${stderr}`).toBe(codes.find(([start]) => begins(start))?.[1] ?? 0);
      for (const [, , output] of shown.filter(([on, start]) => on === page && begins(start) && !said.includes('--dry-run'))) {
        expect(text, line.place).toContain(output);
        expect(stdout + stderr, line.place).toContain(output);
      }
      const path = /^jq (?:-r )?'?(\.[\w.[\]]+)'?$/.exec(line.reader ?? '')?.[1];
      if (path !== undefined) expect(pathIn(JSON.parse(stdout), path), line.place).not.toEqual([]);
    }
  });
});

async function freePort(): Promise<number> {
  await using server = await listen(() => undefined);
  return server.port;
}

/** The page at an address, as soon as there is one; nothing when whoever was to serve it has ended. */
async function served(url: string, ended: () => boolean): Promise<string> {
  while (!ended()) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return '';
}

/** What `jq` gives for a path of names, in which `[]` stands for each item. */
function pathIn(value: unknown, path: string): unknown[] {
  const names = path.replaceAll('[]', '.[]').split('.').filter((name) => name !== '');
  return names.reduce<unknown[]>((found, name) => found.flatMap((each) => (name === '[]' ? (each as unknown[]) : ((each as Record<string, unknown>)[name] ?? []))), [value]);
}

it('lines are divided as a shell does, and what a shell would take for a pattern is refused', () => {
  expect(guideLine('a', `npx modelkeep runs ls -f "metrics.auc > 0.8" 'a b' --n=1  # the best`).words).toEqual(['runs', 'ls', '-f', 'metrics.auc > 0.8', 'a b', '--n=1']);
  expect(guideLine('a', "npx modelkeep store import - < backup | jq '.items[].id'")).toEqual({ place: 'a', words: ['store', 'import', '-'], input: 'backup', reader: "jq '.items[].id'" });
  expect(() => guideLine('a:3', 'npx modelkeep features get delays:*')).toThrow('a:3: a shell may take');
  expect(pathIn({ items: [{ id: 1 }, { id: 2 }] }, '.items[].id')).toEqual([1, 2]);
});
