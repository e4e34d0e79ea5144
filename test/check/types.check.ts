import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { root } from './project.ts';
import { runTool } from './run-tool.ts';

const environments = {
  'the isomorphic part, as a worker sees it': 'test/check/tsconfig.isomorphic.json',
  'the isomorphic part, as a page sees it': 'test/check/tsconfig.dom.json',
  'all of src, as Node 20 sees it': 'test/check/tsconfig.node.json',
  'the code of our own pages': 'test/check/tsconfig.client.json',
  'tests, benchmarks and examples': 'test/tsconfig.json',
};

describe('types', () => {
  test.each(Object.entries(environments))('%s', async (_name, project) => {
    await runTool('typescript', 'tsc', ['--pretty', 'false', '--project', project]);
  });

  test('what only Node or only a page has is an error in the isomorphic part', async () => {
    const directory = `${root}.generated/isomorphic/`;
    const alien = ['process.pid', 'Buffer.from([])', "import('node:fs')", '__dirname', 'document.title', 'window.name', 'localStorage.length'];
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    alien.forEach((code, index) => writeFileSync(`${directory}${index}.ts`, `export const value: unknown = ${code};\n`));
    writeFileSync(
      `${directory}tsconfig.json`,
      JSON.stringify({ extends: '../../test/check/tsconfig.isomorphic.json', compilerOptions: { rootDir: '.' }, include: ['.'], exclude: [] }),
    );
    const complaint = await runTool('typescript', 'tsc', ['--pretty', 'false', '--project', directory]).catch(String);
    const complained = alien.filter((_code, index) => complaint.includes(`${index}.ts(1,`));
    expect(complained).toEqual(alien);
  });
});
