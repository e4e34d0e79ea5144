import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EnvironmentRecord } from '../../core/environment.ts';

const lockfiles = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb', 'deno.lock'];
const maxPackages = 1_000;

/** The nearest lockfile at or above a directory, with the digest of its bytes. */
export async function describeLockfile(cwd: string): Promise<EnvironmentRecord['lockfile']> {
  for (const directory of upwards(cwd)) {
    for (const name of lockfiles) {
      const path = join(directory, name);
      if (await exists(path)) return { name, digest: await digestOfFile(path) };
    }
  }
  return undefined;
}

/** The installed versions of the packages that the nearest package.json at or above a directory asks for. */
export async function describePackages(cwd: string): Promise<Readonly<Record<string, string>> | undefined> {
  for (const directory of upwards(cwd)) {
    const manifest = await readJson(join(directory, 'package.json'));
    if (manifest === undefined) continue;
    const names = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap((group) => Object.keys(asObject(manifest[group])));
    const unique = [...new Set(names)].sort().slice(0, maxPackages);
    const versions = await Promise.all(unique.map(async (name) => [name, await installedVersion(directory, name)] as const));
    return Object.fromEntries(versions.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }
  return undefined;
}

async function installedVersion(from: string, name: string): Promise<string | undefined> {
  for (const directory of upwards(from)) {
    const manifest = await readJson(join(directory, 'node_modules', name, 'package.json'));
    if (manifest !== undefined) return typeof manifest['version'] === 'string' ? manifest['version'] : undefined;
  }
  return undefined;
}

function* upwards(from: string): Generator<string> {
  for (let directory = from; ; directory = dirname(directory)) {
    yield directory;
    if (dirname(directory) === directory) return;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return asObject(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
