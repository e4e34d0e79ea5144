import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks, readRegion, withRegions } from './code-blocks.ts';
import { root } from './project.ts';

const folder = '.generated/regions/';
const file = `${folder}main.ts`;

beforeAll(() => {
  mkdirSync(root + folder, { recursive: true });
  const lines = ['{', '  // #region outer', '  first();', '', '  // #region inner', '    second();', '  // #endregion inner', '  // #endregion outer', '}'];
  writeFileSync(root + file, lines.join('\n'));
});

afterAll(() => rmSync(root + folder, { recursive: true, force: true }));

describe('code blocks', () => {
  test('TypeScript fences are found with their lines, others are not', () => {
    const markdown = 'a\n\n```sh\nls\n```\n\n```ts\nb();\n```\n\n- c\n  ```typescript\n  d();\n    e();\n  ```\n';
    expect(codeBlocks(markdown)).toEqual([
      { code: 'b();\n', line: 7 },
      { code: 'd();\n  e();\n', line: 12 },
    ]);
  });

  test('a comment right above names the region', () => {
    expect(codeBlocks(`<!-- ${file}#inner -->\n\`\`\`ts\nold\n\`\`\`\n`)).toEqual([
      { code: 'old\n', line: 2, region: { file, name: 'inner' } },
    ]);
  });

  test('a region is dedented and free of the marks of others', () => {
    expect(readRegion({ file, name: 'outer' })).toBe('first();\n\n  second();\n');
    expect(readRegion({ file, name: 'inner' })).toBe('second();\n');
  });

  test('a missing region or file is an error that says which', () => {
    expect(() => readRegion({ file, name: 'none' })).toThrow(`${file} has no "// #region none"`);
    expect(() => readRegion({ file: 'nowhere.ts', name: 'a' })).toThrow('nowhere.ts#a');
  });

  test('only marked blocks are rewritten, once and for all', () => {
    const before = `\`\`\`ts\nmine\n\`\`\`\n\n- x\n  <!-- ${file}#inner -->\n  \`\`\`ts\n  old\n  \`\`\`\nend\n`;
    const after = withRegions(before);
    expect(after).toBe(before.replace('old', 'second();'));
    expect(withRegions(after)).toBe(after);
  });
});
