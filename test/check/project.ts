import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository's folder, with a trailing slash. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

interface PackageJson {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

export const packageJson: PackageJson = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as PackageJson;

export interface Entry {
  /** What a user imports: `modelkeep/filesystem`. */
  readonly specifier: string;
  /** The file's name without its extension: `filesystem`. */
  readonly name: string;
  readonly source: string;
  readonly platform: 'browser' | 'node';
}

/** Entries that need Node; every other entry must also bundle for a browser. */
const nodeEntries: ReadonlySet<string> = new Set(['filesystem', 'node']);

/** The package's entries, as `exports` in package.json lists them. */
export const entries: readonly Entry[] = Object.keys(packageJson.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => {
    const name = subpath === '.' ? 'index' : subpath.slice(2);
    return {
      specifier: packageJson.name + subpath.slice(1),
      name,
      source: `src/${name}.ts`,
      platform: nodeEntries.has(name) ? 'node' : 'browser',
    };
  });
