import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { packageJson, root, type Entry } from './project.ts';
import { readPublicApi, type PublicExport } from './public-api.ts';

export const budgetFile: string = `${root}test/check/size-budget.json`;

export interface Bundle {
  /** What it is called in the budget file: `modelkeep/filesystem`, `Tracker`. */
  readonly name: string;
  readonly code: string;
  readonly platform: 'browser' | 'node';
}

export interface BundleReport {
  readonly gzipped: number;
  /** The files of this package in it, from the root. */
  readonly files: readonly string[];
  /** Modules left outside, `node:` ones in practice. */
  readonly externals: readonly string[];
}

/** Leaves out what is loaded by `import()`, when a method first asks for it. */
const lazyApart: Plugin = {
  name: 'lazy-apart',
  setup: (plugin) => {
    plugin.onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined));
  },
};

/** Bundles as an application's build would: minified, tree-shaken, compressed; all that it may ever load, or what is loaded at once. */
export async function bundle({ code, platform }: Bundle, loaded: 'ever' | 'at once' = 'ever'): Promise<BundleReport> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: root, loader: 'js' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform,
    external: ['node:*'],
    plugins: loaded === 'ever' ? [] : [lazyApart],
    legalComments: 'none',
    logLevel: 'silent',
  });
  const output = Object.values(metafile.outputs)[0];
  if (output === undefined || outputFiles[0] === undefined) throw new Error(`esbuild made nothing of: ${code}`);
  const contributing = Object.entries(output.inputs).filter(([, input]) => input.bytesInOutput > 0);
  return {
    gzipped: gzipSync(outputFiles[0].contents, { level: 9 }).length,
    files: contributing.map(([file]) => file).filter((file) => file.startsWith('dist/')),
    externals: output.imports.map((imported) => imported.path),
  };
}

export const importing = (...names: readonly string[]): Bundle => ({
  name: names.join(' + '),
  code: `export { ${names.join(', ')} } from '${packageJson.name}';`,
  platform: 'browser',
});

/** Every bundle whose size is pinned: each entry, each class and function alone, and the smallest useful pair. */
export function budgetedBundles(): Bundle[] {
  const whole = [...publicApi().keys()].map(({ specifier, platform }): Bundle => ({ name: specifier, code: `export * from '${specifier}';`, platform }));
  const names = mainExports().filter(({ kind }) => kind === 'class' || kind === 'function').map(({ name }) => name);
  const pair = ['Tracker', 'MemoryStorage'].every((name) => names.includes(name)) ? [importing('Tracker', 'MemoryStorage')] : [];
  return [...whole, ...names.map((name) => importing(name)), ...pair];
}

/** The Tracker with a storage adapter of another entry, as a page would bundle them. */
export const trackerOver = (adapter: string, entry: string): Bundle => ({
  name: `Tracker + ${adapter}`,
  code: `export { Tracker } from '${packageJson.name}'; export { ${adapter} } from '${packageJson.name}/${entry}';`,
  platform: 'browser',
});

let api: ReadonlyMap<Entry, readonly PublicExport[]> | undefined;
const publicApi = (): ReadonlyMap<Entry, readonly PublicExport[]> => (api ??= readPublicApi());

/** What `import … from 'modelkeep'` offers at run time. */
export const mainExports = (): PublicExport[] => exportsOf('index');

/** What an entry offers at run time, by the name of its file. */
export function exportsOf(name: string): PublicExport[] {
  const found = [...publicApi()].find(([entry]) => entry.name === name);
  return (found?.[1] ?? []).filter(({ kind }) => kind !== 'type');
}

export function readBudget(): Record<string, number> {
  const { bytes } = JSON.parse(readFileSync(budgetFile, 'utf8')) as { bytes: Record<string, number> };
  return bytes;
}
