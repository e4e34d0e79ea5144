import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, isModelkeepError, verifyManifest, type ModelkeepError, type ModelVersion, type SignatureBundle } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { contentChunks } from '../../../src/core/content.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { checkChange } from '../../../src/registry/change-input.ts';
import { manifestDigest } from '../../../src/core/model-manifest.ts';
import type { VersionRecord } from '../../../src/registry/model-version.ts';

const who = { by: 'release-bot', reason: 'released' };
const newKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
let keys: CryptoKeyPair;
let others: CryptoKeyPair;
let directory: string;

beforeAll(async () => {
  [keys, others, directory] = await Promise.all([newKeys(), newKeys(), mkdtemp(join(tmpdir(), 'modelkeep-sign-'))]);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function prepared(storage = new MemoryStorage()): Promise<{ registry: Registry; storage: MemoryStorage; version: ModelVersion }> {
  const registry = new Registry({ storage });
  await registry.createModel('fraud');
  const version = await registry.registerVersion('fraud', { files: { 'model.json': '{}', 'weights/a.bin': new Uint8Array(100_000) } });
  return { registry, storage, version };
}

async function failure(work: Promise<unknown>): Promise<ModelkeepError> {
  const error: unknown = await work.then(() => new Error('Nothing failed.'), (reason: unknown) => reason);
  if (!isModelkeepError(error)) throw error;
  return error;
}

describe('registry.sign and registry.verify', () => {
  it('sign a version and verify it, file by file', async () => {
    const { registry } = await prepared();
    const signature = await registry.sign('fraud@latest', { ...who, privateKey: keys.privateKey });
    expect(signature).toMatchObject({ model: 'fraud', version: 1, ...who });
    const read: number[] = [];
    const verified = await registry.verify('fraud@1', { publicKey: keys.publicKey, onProgress: ({ done, total }) => read.push(done / total!) });
    expect(verified).toEqual({ model: 'fraud', version: 1, name: 'fraud@1', keyHint: signature.keyHint, files: 2, size: 100_002 });
    expect(read.at(-1)).toBe(1);
  });

  it('keep the signature with the version and in its history, without its private key', async () => {
    const { registry, version } = await prepared();
    const signature = await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    expect(await registry.signatures('fraud@1')).toEqual([signature]);
    expect((await registry.history('fraud')).at(-1)).toMatchObject({
      type: 'version-signed',
      ...who,
      subject: { id: 'fraud', version: 1, digest: version.digest },
      data: { version: 1, signature: signature.id, digest: version.digest, keyHint: signature.keyHint },
    });
    const { d } = await crypto.subtle.exportKey('jwk', keys.privateKey);
    expect(JSON.stringify([await registry.history('fraud'), await registry.signatures('fraud@1')])).not.toContain(d);
    // What leaves the registry stands alone.
    await verifyManifest(JSON.stringify(signature.bundle), version.files, { publicKey: keys.publicKey });
  });

  it('take the signature of the key among those of others', async () => {
    const { registry } = await prepared();
    expect((await failure(registry.verify('fraud@1', { publicKey: keys.publicKey }))).message).toMatch(/^fraud@1 is not signed by this key\. .*it has no signature/);
    await registry.sign('fraud@1', { ...who, privateKey: others.privateKey });
    const missing = await failure(registry.verify('fraud@1', { publicKey: keys.publicKey }));
    expect([missing.code, missing.message]).toEqual(['not-found', expect.stringContaining('made with other keys')]);
    await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    for (const { publicKey } of [keys, others]) await registry.verify('fraud@1', { publicKey });
    expect((await registry.signatures('fraud@1')).map(({ by }) => by)).toEqual(['release-bot', 'release-bot']);
  });

  it('go with the version when it is deleted', async () => {
    const { registry, storage } = await prepared();
    await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    await registry.deleteVersion('fraud@1', who);
    expect((await storage.list({ prefix: 'registry/signatures/' })).entries).toEqual([]);
  });

  it('name the file whose bytes were changed or lost in the store', async () => {
    const storage = new FilesystemStorage(join(directory, 'store'));
    const registry = new Registry({ storage });
    await registry.createModel('fraud');
    const { files } = await registry.registerVersion('fraud', { files: { 'model.json': '{}', 'weights.bin': 'weights' } });
    await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    const blob = join(directory, 'store', 'blobs', 'sha256', files[1]!.digest.slice(7, 9));
    const [name] = await readdir(blob);
    await writeFile(join(blob, name!), 'weightz');
    const changed = await failure(registry.verify('fraud@1', { publicKey: keys.publicKey }));
    expect([changed.code, changed.details['path'], changed.message]).toEqual(['integrity', 'weights.bin', expect.stringContaining('has changed since it was registered')]);
    await rm(join(blob, name!));
    const lost = await failure(registry.verify('fraud@1', { publicKey: keys.publicKey }));
    expect([lost.code, lost.details['path'], lost.message]).toEqual(['integrity', 'weights.bin', expect.stringContaining('missing from the store')]);
    await storage.close();
  });

  it('see through a record of the version that was changed together with its digests', async () => {
    const { registry, storage } = await prepared();
    await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    // Whoever can write to the store can make a version that agrees with itself, but no signature.
    const evil = await storage.writeBlob(contentChunks('{"evil":true}', 'evil'));
    const key = 'registry/versions/fraud/000000001';
    const [stored] = await storage.read([key]);
    const record = decode(stored!.bytes, key) as VersionRecord;
    const files = [{ path: 'model.json', ...evil }, record.files[1]!];
    const forged = { ...record, files, digest: manifestDigest(files) };
    await storage.write([{ kind: 'put', key, bytes: encode(forged, key), blobs: files.map(({ digest }) => digest) }]);
    expect(new TextDecoder().decode(await (await registry.load('fraud@1')).file('model.json'))).toBe('{"evil":true}');
    const found = await failure(registry.verify('fraud@1', { publicKey: keys.publicKey }));
    expect([found.code, found.details['path'], found.message]).toEqual(['integrity', 'model.json', expect.stringMatching(/^fraud@1 is not what was signed\. The file "model\.json"/)]);
  });

  it('refuse signatures of other files and of other forms, wherever they come from', async () => {
    const { registry } = await prepared();
    const { bundle } = await registry.sign('fraud@1', { ...who, privateKey: keys.privateKey });
    await registry.registerVersion('fraud', { files: { 'model.json': '{"second":true}' } });
    const { OwnRegistryChanges } = await import('../../../src/registry/own-registry-changes.ts');
    const { ModelStore } = await import('../../../src/registry/model-store.ts');
    const { systemClock } = await import('../../../src/core/clock.ts');
    const storage = (await prepared()).storage;
    const changes = new OwnRegistryChanges({ storage, store: new ModelStore(storage, systemClock), clock: systemClock, functions: new Map() });
    await new Registry({ storage }).registerVersion('fraud', { files: { 'model.json': '{"second":true}' } });
    const sign = (given: unknown, ref: string): Promise<unknown> => changes.sign(checkChange('sign', { ref, bundle: given, ...who }, undefined).input as never, {});
    expect((await failure(sign(bundle, 'fraud@2'))).message).toMatch(/"model\.json" is not the one that was signed/);
    expect((await failure(sign({ ...bundle, mediaType: 'x' } satisfies SignatureBundle, 'fraud@1'))).message).toMatch(/no sigstore bundle/);
    expect(() => checkChange('sign', { ref: 'fraud@1', bundle: 'text', ...who }, undefined)).toThrow(/input\.bundle must be an object/);
    expect(await sign(bundle, 'fraud@1')).toMatchObject({ version: 1 });
  });

  it('check what they are given before they read anything', async () => {
    const { registry } = await prepared();
    expect((await failure(registry.sign('fraud@1', { ...who } as never))).message).toMatch(/options\.privateKey must be a CryptoKey/);
    expect((await failure(registry.sign('fraud@1', { ...who, reason: '', privateKey: keys.privateKey }))).message).toMatch(/options\.reason must not be empty/);
    expect((await failure(registry.verify('fraud@1', { key: keys.publicKey } as never))).code).toBe('validation');
    expect((await failure(registry.verify('nobody@1', { publicKey: keys.publicKey }))).code).toBe('not-found');
    expect((await failure(registry.verify('fraud@1', { publicKey: keys.publicKey, signal: AbortSignal.abort() }))).code).toBe('aborted');
    expect(await registry.signatures('fraud@1')).toEqual([]);
  });
});
