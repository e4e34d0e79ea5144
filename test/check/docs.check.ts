import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeBlocks, markdownFiles, readRegion } from './code-blocks.ts';
import { commandLinePage, withCommands } from './command-line-page.ts';
import { tryExamples, type Example } from './examples.ts';
import { readAccuracyTable } from '../stats/golden/accuracy-table.ts';
import { measureAccuracy } from '../stats/golden/accuracy.ts';
import { packageJson, root } from './project.ts';
import { readPublicApi, type PublicExport } from './public-api.ts';
import { demandBuild } from './run-tool.ts';

const exported = new Map<string, PublicExport>();
for (const each of [...readPublicApi().values()].flat()) exported.set(`${each.file} ${each.name}`, each);

const pages = markdownFiles().map((file) => ({ file, blocks: codeBlocks(readFileSync(root + file, 'utf8')) }));

const docstringExamples: Example[] = [...exported.values()]
  .flatMap(({ examples }) => examples)
  .flatMap(({ origin, markdown }) => codeBlocks(markdown).map(({ code }) => ({ origin, code })));

const pageExamples: Example[] = pages.flatMap(({ file, blocks }) =>
  blocks.filter(({ region }) => region === undefined).map(({ code, line }) => ({ origin: `${file}:${line}`, code })),
);

const places = (exports: readonly PublicExport[]): string[] => exports.map(({ file, line, name }) => `${file}:${line} ${name}`);

describe('docstrings', () => {
  test('every public export has one', () => {
    expect(places([...exported.values()].filter(({ description }) => description === ''))).toEqual([]);
  });

  test('every public class, function and constant shows an example', () => {
    const silent = [...exported.values()].filter(
      ({ kind, examples }) => kind !== 'type' && !examples.some(({ ownOf, markdown }) => ownOf && codeBlocks(markdown).length > 0),
    );
    expect(places(silent)).toEqual([]);
  });
});

describe('pages', () => {
  test('every relative link leads to a file of the repository', () => {
    const broken = pages.flatMap(({ file }) =>
      [...readFileSync(root + file, 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => posix.join(posix.dirname(file), target))
        .filter((target) => !existsSync(root + target))
        .map((target) => `${file} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('every file that is named is there, and every script that is to be run', () => {
    const missing = pages.flatMap(({ file }) => {
      const text = readFileSync(root + file, 'utf8');
      const files = [...text.matchAll(/`((?:test|src|examples|docs|\.ci)\/[\w./-]+)`/g)].map(([, path = '']) => path).filter((path) => !existsSync(root + path));
      const scripts = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name).filter((name) => packageJson.scripts[name] === undefined);
      return [...files, ...scripts].map((name) => `${file} → ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

describe('the page of statistics', () => {
  const page = readFileSync(`${root}docs/statistics.md`, 'utf8');

  test('lists everything that modelkeep/stats offers at run time', () => {
    const offered = [...readPublicApi()].find(([entry]) => entry.name === 'stats')?.[1] ?? [];
    const missing = offered.filter(({ name, kind }) => kind !== 'type' && !page.includes(`| \`${name}\``)).map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  test('promises no more accuracy than there is (npm run docs:sync)', () => {
    const promised = readAccuracyTable(page);
    const measured = measureAccuracy();
    expect([...promised.keys()].sort()).toEqual(measured.map(({ name }) => name).sort());
    const broken = measured.filter(({ name, worst }) => worst > (promised.get(name) ?? 0)).map(({ name, worst }) => `${name}: ${worst}`);
    expect(broken).toEqual([]);
  });
});

test('the page of the command line says what the commands say of themselves (npm run docs:sync)', async () => {
  const page = readFileSync(root + commandLinePage, 'utf8');
  expect(page).toBe(await withCommands(page));
});

describe('examples', () => {
  test('every example of a docstring or a page compiles and runs on its own', async () => {
    demandBuild();
    const failures = await tryExamples([...docstringExamples, ...pageExamples]);
    if (failures.length > 0) throw new Error(failures.map(({ origin, problem }) => `${origin}\n${problem}`).join('\n\n'));
  });

  test('every block that is taken from a file still says what the file says (npm run docs:sync)', () => {
    for (const { file, blocks } of pages) {
      for (const { code, line, region } of blocks) {
        if (region !== undefined) expect(code, `${file}:${line}`).toBe(readRegion(region));
      }
    }
  });
});
