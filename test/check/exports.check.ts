import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { entries, packageJson, root } from './project.ts';
import { readPublicApi } from './public-api.ts';

describe('entries', () => {
  test('every entry is one file at the top of src, and every file there is an entry', () => {
    const files = readdirSync(`${root}src`, { withFileTypes: true }).filter((file) => file.isFile());
    expect(files.map((file) => `src/${file.name}`).sort()).toEqual(entries.map((entry) => entry.source).sort());
  });

  test.each(entries)('$specifier maps to its compiled file, types first', ({ name, specifier }) => {
    const subpath = specifier.replace('modelkeep', '.');
    expect(JSON.stringify(packageJson.exports[subpath])).toBe(
      JSON.stringify({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }),
    );
  });

  test.each(entries)('$source only re-exports, by name', ({ source }) => {
    const file = ts.createSourceFile(source, readFileSync(root + source, 'utf8'), ts.ScriptTarget.Latest);
    const others = file.statements.filter(
      (statement) =>
        !ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined || statement.exportClause === undefined,
    );
    expect(others.map((statement) => statement.getText(file))).toEqual([]);
  });

  test('TypeDoc documents every entry', () => {
    const { entryPoints } = JSON.parse(readFileSync(`${root}typedoc.json`, 'utf8')) as { entryPoints: string[] };
    expect([...entryPoints].sort()).toEqual(entries.map((entry) => entry.source).sort());
  });
});

describe('public surface', () => {
  // A change of this file is a change of the package's promise. Accept one with `npm run check -- exports -u`.
  test('is what exports.txt says', async () => {
    const lines = [...readPublicApi()].flatMap(([entry, exported]) => [
      entry.specifier,
      ...exported.map(({ name, kind }) => `  ${kind} ${name}`),
      '',
    ]);
    await expect(lines.join('\n')).toMatchFileSnapshot('exports.txt');
  });
});
