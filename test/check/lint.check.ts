import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';
import { injected, silence, style, walls } from './eslint.config.js';
import { root } from './project.ts';
import { runTool } from './run-tool.ts';

const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser }, plugins: { '@typescript-eslint': tseslint.plugin } },
    walls,
    style,
    silence,
    injected,
  ] as ESLint.Options['overrideConfig'] & object,
});

/** The rules that complain about `code` in src/`file`. */
async function complaints(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${root}src/${file}` });
  const messages = result?.messages ?? [];
  expect(messages.filter((message) => message.fatal)).toEqual([]);
  return messages.map((message) => message.ruleId ?? '');
}

const importing = (specifier: string): string => `import { a } from '${specifier}'; a();`;

describe('lint', () => {
  test('the repository is clean', async () => {
    await runTool('eslint', 'eslint', ['--config', 'test/check/eslint.config.js', '--max-warnings', '0', '.']);
  });

  test.each([
    ['core/ids.ts', importing('../stats/distances/psi.ts'), 'core is the ground floor'],
    ['core/ids.ts', importing('../storage/contract.ts'), 'core knows no storage'],
    ['core/ids.ts', importing('../index.ts'), 'nothing imports an entry'],
    ['stats/distances/psi.ts', importing('../../storage/update.ts'), 'stats does no I/O'],
    ['storage/contract.ts', importing('./update.ts'), 'the contract needs no helper'],
    ['storage/update.ts', importing('./memory/memory-storage.ts'), 'helpers know no adapter'],
    ['storage/update.ts', importing('../tracking/tracker.ts'), 'storage knows no domain'],
    ['storage/memory/memory-storage.ts', importing('../filesystem/filesystem-storage.ts'), 'adapters are apart'],
    ['storage/memory/memory-storage.ts', importing('../../stats/distances/psi.ts'), 'an adapter imports core and storage only'],
    ['storage/memory/memory-storage.ts', importing('node:fs'), 'only one adapter is Node’s'],
    ['tracking/run.ts', importing('../storage/memory/memory-storage.ts'), 'a domain imports no adapter'],
    ['tracking/run.ts', importing('node:crypto'), 'a domain imports no node: module'],
    ['tracking/run.ts', importing('crypto'), 'nor a builtin by its bare name'],
    ['tracking/run.ts', importing('../registry/registry.ts'), 'a domain knows another by type only'],
    ['tracking/run.ts', importing('../registry/gate.ts').replace('import', 'import type'), 'and through its public class only'],
    ['tracking/run.ts', importing('../server/handler.ts'), 'a domain imports nothing above it'],
    ['tracking/run.ts', importing('../report/html.ts'), 'a domain imports nothing above it'],
    ['server/handler.ts', importing('../report/html.ts'), 'the parts of the upper floor are apart'],
    ['registry/registry.ts', importing('../maturity/assess-maturity.ts'), 'a domain is not judged by itself'],
    ['report/render-report.ts', importing('../ui/ui-handler.ts'), 'reports know no pages of a store'],
    ['ui/ui-handler.ts', importing('../server/handler.ts'), 'pages of a store need no server of ours'],
    ['integrations/tfjs/callbacks.ts', importing('../onnx/session.ts'), 'foreign systems are apart'],
    ['index.ts', importing('./cli/main.ts'), 'an entry knows no command line'],
    ['filesystem.ts', importing('./index.ts'), 'entries are apart'],
    ['cli/main.ts', importing('../tracking/tracker.ts'), 'the command line calls the library'],
    ['elsewhere/thing.ts', importing('../core/ids.ts'), 'a new folder needs a floor'],
    ['core/ids.ts', importing('../../test/check/project.ts'), 'src stays in src'],
    ['core/ids.ts', importing('zod'), 'zod comes in its small form'],
    ['core/ids.ts', importing('fast-check'), 'only run-time dependencies'],
    ['core/ids.ts', `export { a } from '../stats/distances/psi.ts';`, 're-exports are imports'],
    ['core/ids.ts', `export * from '../stats/distances/psi.ts';`, 're-exports are imports'],
    ['core/ids.ts', `export const a = import('../stats/distances/psi.ts');`, 'dynamic imports are imports'],
    ['core/ids.ts', `export const a = (b: string) => import(b);`, 'and name their module'],
    ['core/ids.ts', `export type A = import('../stats/distances/psi.ts').A;`, 'import types are imports'],
  ])('walls: src/%s: %s (%s)', async (file, code) => {
    expect(await complaints(file, code)).toEqual(['modelkeep/walls']);
  });

  test.each([
    ['stats/distances/psi.ts', importing('../core/ids.ts')],
    ['storage/memory/memory-storage.ts', importing('../update.ts')],
    ['storage/memory/memory-storage.ts', importing('./deep/er.ts')],
    ['storage/filesystem/log.ts', importing('node:fs')],
    ['integrations/node/environment.ts', importing('node:child_process')],
    ['tracking/run.ts', importing('../stats/distances/psi.ts')],
    ['tracking/run.ts', importing('./metric-buffer.ts')],
    ['tracking/run.ts', importing('../registry/registry.ts').replace('import', 'import type')],
    ['server/handler.ts', importing('../tracking/tracker.ts')],
    ['index.ts', `export { a } from './tracking/tracker.ts';`],
    ['report/render-report.ts', importing('../maturity/assess-maturity.ts')],
    ['ui/ui-handler.ts', importing('../report/render-report.ts')],
    ['cli/main.ts', importing('../filesystem.ts')],
    ['cli/main.ts', 'export const a = (b: string) => import(b);'],
    ['core/schema.ts', importing('zod/mini')],
    ['core/a.ts', 'export class A { private constructor(b: string) { b.at(0); } }'],
  ])('doors: src/%s: %s', async (file, code) => {
    expect(await complaints(file, code)).toEqual([]);
  });

  test.each([
    ['core/a.ts', 'export default 1;', 'no-restricted-syntax'],
    ['core/a.ts', 'export enum A { B }', 'no-restricted-syntax'],
    ['core/a.ts', 'export namespace A { export const b = 1; }', 'no-restricted-syntax'],
    ['core/a.ts', 'export class A { constructor(readonly b: string) {} }', 'no-restricted-syntax'],
    ['core/a.ts', 'export class A { private b = 1; }', 'no-restricted-syntax'],
    ['core/a.ts', 'export class A { protected b(): void {} }', 'no-restricted-syntax'],
    ['core/a.ts', 'export let a = 1;', 'no-restricted-syntax'],
    ['core/a.ts', 'export const a = (b: any): void => b;', '@typescript-eslint/no-explicit-any'],
    ['core/a.ts', 'console.log(1);', 'no-console'],
    ['tracking/a.ts', 'export const a = (): number => Date.now();', 'no-restricted-properties'],
    ['tracking/a.ts', 'export const a = (): unknown => fetch("b");', 'no-restricted-globals'],
  ])('style: src/%s: %s', async (file, code, rule) => {
    expect(await complaints(file, code)).toEqual([rule]);
  });
});
