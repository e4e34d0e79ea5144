import { readFile } from 'node:fs/promises';

/** The version of this package. */
export async function packageVersion(): Promise<string> {
  // Beside `dist` and beside `src` alike.
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
  return manifest.version;
}
