import { createPublicKey, generateKeyPairSync, sign as nodeSign, verify as nodeVerify, webcrypto, createHash, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isModelkeepError, signManifest, verifyManifest, type KeySource, type SignatureBundle, type SignedFile } from 'modelkeep';
import reference from '../../fixtures/model-signing-1.1.1.json' with { type: 'json' };
import { checkSignedBy } from '../../../src/registry/signing/verify-manifest.ts';
import { derFromP1363, p1363FromDer } from '../../../src/registry/signing/der-signature.ts';

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const file = (path: string, contents = path): SignedFile => ({ path, digest: `sha256:${sha256(contents)}` });
const files = [file('weights/b.bin'), file('model.json'), file('weights-a.bin')];
const pair = (curve = 'P-256'): { privateKey: KeyObject; publicKey: KeyObject } => generateKeyPairSync('ec', { namedCurve: curve });
const { privateKey, publicKey } = pair();
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'spki' = key.type === 'private' ? 'pkcs8' : 'spki'): string => String(key.export({ format: 'pem', type } as never));
const encrypted = (type: 'pkcs8' | 'sec1'): string => String(privateKey.export({ format: 'pem', type, cipher: 'aes-256-cbc', passphrase: 'x' }));
const keys = { private: pem(privateKey), public: pem(publicKey) };
const signed = await signManifest(files, { name: 'fraud@1', privateKey: keys.private });

/** What the envelope holds, as its readers see it. */
function open({ dsseEnvelope }: SignatureBundle): { payload: Buffer; statement: Record<string, unknown>; sig: Buffer; encoded: Buffer } {
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload]);
  return { payload, statement: JSON.parse(payload.toString()) as Record<string, unknown>, sig: Buffer.from(dsseEnvelope.signatures[0]!.sig, 'base64'), encoded };
}

/** A bundle over any payload, signed by Node. */
function bundleOf(payload: object | string, { key = privateKey, of = publicKey }: { key?: KeyObject; of?: KeyObject } = {}): SignatureBundle {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${bytes.length} `), bytes]);
  return {
    ...signed,
    verificationMaterial: { publicKey: { hint: sha256(pem(of)) }, tlogEntries: [] },
    dsseEnvelope: { payload: bytes.toString('base64'), payloadType: 'application/vnd.in-toto+json', signatures: [{ sig: nodeSign('sha256', encoded, key).toString('base64'), keyid: '' }] },
  };
}

async function failure(bundle: SignatureBundle | string, found: readonly SignedFile[] = files, key: KeySource = keys.public): Promise<{ message: string; path: unknown }> {
  const error: unknown = await verifyManifest(bundle, found, { publicKey: key }).then(
    () => new Error('The signature was accepted.'),
    (reason: unknown) => reason,
  );
  if (!isModelkeepError(error, 'integrity') && !isModelkeepError(error, 'validation')) throw error;
  return { message: error.message, path: error.details['path'] };
}

describe('signManifest', () => {
  it('writes the statement of OpenSSF model signing, with the files in the order of their parts', () => {
    const digests = ['model.json', 'weights/b.bin', 'weights-a.bin'].map((path) => sha256(path));
    expect(open(signed).statement).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'fraud@1', digest: { sha256: sha256(Buffer.from(digests.join(''), 'hex')) } }],
      predicateType: 'https://model_signing/signature/v1.0',
      predicate: {
        serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false },
        resources: ['model.json', 'weights/b.bin', 'weights-a.bin'].map((name, i) => ({ name, algorithm: 'sha256', digest: digests[i] })),
      },
    });
    expect(signed).toMatchObject({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: sha256(keys.public) }, tlogEntries: [] },
      dsseEnvelope: { payloadType: 'application/vnd.in-toto+json', signatures: [{ keyid: '' }] },
    });
  });

  it('is verified by Node, which shares no line with it', async () => {
    for (let i = 0; i < 20; i++) {
      const { sig, encoded } = open(await signManifest([file(`a${i}`)], { name: 'm', privateKey: keys.private }));
      expect(nodeVerify('sha256', encoded, publicKey, sig)).toBe(true);
    }
  });

  it('sorts names by code points, not by units', () => {
    return expect(signManifest([file('\uff5e'), file('\u{1d54f}'), file('a/b'), file('a'.repeat(2))], { name: 'm', privateKey: keys.private }).then((bundle) => (open(bundle).statement['predicate'] as { resources: { name: string }[] }).resources.map(({ name }) => name))).resolves.toEqual(['a/b', 'aa', '\uff5e', '\u{1d54f}']);
  });

  it.each<[string, KeySource | Promise<KeySource>]>([
    ['PKCS#8', keys.private],
    ['SEC 1 with its parameters, as OpenSSL writes it', `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem(privateKey, 'sec1')}`],
    ['JWK', JSON.stringify({ ...privateKey.export({ format: 'jwk' }), key_ops: ['verify'] })],
    ['CryptoKey', webcrypto.subtle.importKey('pkcs8', privateKey.export({ format: 'der', type: 'pkcs8' }), { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])],
  ])('signs with a key as %s', async (_form, source) => {
    const bundle = await signManifest(files, { name: 'm', privateKey: await source });
    const { sig, encoded } = open(bundle);
    expect(nodeVerify('sha256', encoded, publicKey, sig)).toBe(true);
    expect(bundle.verificationMaterial.publicKey.hint).toBe(sha256(keys.public));
  });

  it('signs with a key that cannot be exported when its public key is given', async () => {
    const kept = await webcrypto.subtle.importKey('pkcs8', privateKey.export({ format: 'der', type: 'pkcs8' }), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    await expect(signManifest(files, { name: 'm', privateKey: kept })).rejects.toThrow(/give that as options\.publicKey/);
    const bundle = await signManifest(files, { name: 'm', privateKey: kept, publicKey: keys.public });
    await verifyManifest(bundle, files, { publicKey: keys.public });
    await expect(signManifest(files, { name: 'm', privateKey: kept, publicKey: pem(pair().publicKey) })).rejects.toThrow(/not that of options\.privateKey/);
  });

  it.each<[string, KeySource, RegExp]>([
    ['another curve', pem(pair('P-384').privateKey), /on the curve P-384; it must be of ECDSA over P-256/],
    ['another curve, SEC 1', pem(pair('P-521').privateKey, 'sec1'), /on the curve P-521/],
    ['RSA', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), /of RSA/],
    ['Ed25519', pem(generateKeyPairSync('ed25519').privateKey), /of Ed25519/],
    ['a JWK of another curve', JSON.stringify(pair('P-384').privateKey.export({ format: 'jwk' })), /JWK of "EC" over "P-384"/],
    ['a public JWK', JSON.stringify(publicKey.export({ format: 'jwk' })), /is a public key; it must be the private one/],
    ['a broken JWK', '{"kty":', /is no JSON/],
    ['a JWK off the curve', JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', d: 'AAAA' }), /no sound key/],
    ['the public key', keys.public, /is a public key; it must be the private one/],
    ['an encrypted key', encrypted('pkcs8'), /is encrypted; decrypt it first/],
    ['an encrypted key, SEC 1', encrypted('sec1'), /is encrypted|neither PEM/],
    ['two keys', keys.private + pem(pair().privateKey), /more than one key/],
    ['something else', 'secret', /neither PEM nor a JWK/],
    ['no key', undefined as never, /must be a CryptoKey, or the text/],
  ])('refuses %s in words, without quoting it', async (_what, source, message) => {
    const error: unknown = await signManifest(files, { name: 'm', privateKey: source }).catch((reason: unknown) => reason);
    expect(isModelkeepError(error, 'validation') && error.message).toMatch(message);
    if (typeof source === 'string') expect(JSON.stringify(error) + String(error)).not.toContain(source.slice(30, 60) || 'secret');
  });

  it('refuses files that are none', async () => {
    const sign = (list: readonly unknown[]): Promise<unknown> => signManifest(list as SignedFile[], { name: 'm', privateKey: keys.private });
    await expect(sign([])).rejects.toThrow(/nothing to sign/);
    await expect(sign([file('a'), file('a')])).rejects.toThrow(/files\[1\]\.path is "a", which another/);
    await expect(sign([{ path: 'a', digest: 'md5:1' }])).rejects.toThrow(/files\[0\]\.digest/);
  });
});

describe('verifyManifest', () => {
  it('accepts what was signed, as data and as text, in any order of the files', async () => {
    for (const bundle of [signed, JSON.stringify(signed, null, 2)]) {
      const verified = await verifyManifest(bundle, [...files].reverse(), { publicKey: keys.public });
      expect(verified).toMatchObject({ name: 'fraud@1', keyHint: sha256(keys.public) });
      expect(verified.files).toHaveLength(3);
    }
    await verifyManifest(signed, files, { publicKey: JSON.stringify(publicKey.export({ format: 'jwk' })) });
  });

  it('accepts what the reference implementation wrote, and no other files for it', async () => {
    const found = reference.files as SignedFile[];
    const { name, files: named } = await verifyManifest(reference.bundle, found, { publicKey: reference.publicKey });
    expect([name, ...named.map(({ path }) => path)]).toEqual(['model', 'model.json', 'weights/b.bin', 'weights-a.bin']);
    expect((await failure(reference.bundle, [file('model.json', 'other'), ...found.slice(1)], reference.publicKey)).path).toBe('model.json');
  });

  it('accepts what others write: resources in another order, further fields, no hint', async () => {
    const { statement } = open(signed);
    const resources = (statement['predicate'] as { resources: { digest: string }[] }).resources.toReversed();
    const subject = [{ name: 'dir', digest: { sha256: sha256(Buffer.from(resources.map(({ digest }) => digest).join(''), 'hex')) } }];
    const serialization = { method: 'files', hash_type: 'sha256', allow_symlinks: true, ignore_paths: ['model.sig'] };
    const bundle = bundleOf({ ...statement, subject, predicate: { resources, serialization, more: 1 } });
    expect(await verifyManifest(bundle, files, { publicKey: keys.public })).toMatchObject({ name: 'dir' });
    await verifyManifest({ ...bundle, verificationMaterial: { publicKey: { rawBytes: '' } } as never }, files, { publicKey: keys.public });
  });

  it('names the file that differs, is missing or is too many', async () => {
    expect(await failure(signed, [...files.slice(0, 2), file('weights-a.bin', 'other')])).toMatchObject({ path: 'weights-a.bin', message: expect.stringContaining('is not the one that was signed') as string });
    expect(await failure(signed, files.slice(0, 2))).toMatchObject({ path: 'weights-a.bin', message: expect.stringContaining('was signed and is missing') as string });
    expect(await failure(signed, [...files, file('extra.bin')])).toMatchObject({ path: 'extra.bin', message: expect.stringContaining('was not signed') as string });
  });

  const envelope = signed.dsseEnvelope;
  const { statement } = open(signed);
  it.each<[string, SignatureBundle | string, RegExp]>([
    ['another payload', { ...signed, dsseEnvelope: { ...envelope, payload: Buffer.from(JSON.stringify({ ...statement, subject: [{ name: 'other' }] })).toString('base64') } }, /not one of this key over this statement/],
    ['another payload type', { ...signed, dsseEnvelope: { ...envelope, payloadType: 'application/json' } }, /bundle\.dsseEnvelope\.payloadType must be "application\/vnd\.in-toto\+json"/],
    ['a signature of something else', { ...signed, dsseEnvelope: { ...envelope, signatures: bundleOf('{}').dsseEnvelope.signatures } }, /not one of this key over this statement/],
    ['a signature that another key made', bundleOf(statement, { key: pair().privateKey }), /not one of this key over this statement/],
    ['no signature', { ...signed, dsseEnvelope: { ...envelope, signatures: [] } }, /signatures must have one signature/],
    ['two signatures', { ...signed, dsseEnvelope: { ...envelope, signatures: [envelope.signatures[0]!, envelope.signatures[0]!] } }, /signatures must have one signature/],
    ['a signature that is no DER', { ...signed, dsseEnvelope: { ...envelope, signatures: [{ sig: 'AAAA', keyid: '' }] } }, /no DER of ECDSA/],
    ['a signature as WebCrypto gives it', { ...signed, dsseEnvelope: { ...envelope, signatures: [{ sig: Buffer.from(p1363FromDer(open(signed).sig)).toString('base64'), keyid: '' }] } }, /no DER of ECDSA/],
    ['base64 with line breaks', { ...signed, dsseEnvelope: { ...envelope, payload: `${envelope.payload.slice(0, 8)}\n${envelope.payload.slice(8)}` } }, /payload must be base64/],
    ['another bundle version', { ...signed, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' }, /bundle\.mediaType must be "application\/vnd\.dev\.sigstore\.bundle\.v0\.3\+json"/],
    ['another key', { ...signed, verificationMaterial: { publicKey: { hint: sha256('') }, tlogEntries: [] } }, /was made with the key e3b0c44298fc…, not with/],
    ['a certificate', { ...signed, verificationMaterial: { certificate: { rawBytes: '' } } as never }, /made with a certificate/],
    ['a predicate of another type', bundleOf({ ...statement, predicateType: 'https://slsa.dev/provenance/v1' }), /statement\.predicateType must be "https:\/\/model_signing\/signature\/v1\.0"/],
    ['shards', bundleOf({ ...statement, predicate: { serialization: { method: 'shards', hash_type: 'sha256' }, resources: [] } }), /method must be "files"/],
    ['another root digest', bundleOf({ ...statement, subject: [{ name: 'm', digest: { sha256: sha256('') } }] }), /contradicts itself/],
    ['two subjects', bundleOf({ ...statement, subject: [...(statement['subject'] as object[]), ...(statement['subject'] as object[])] }), /must have one subject/],
    ['what is no statement', bundleOf('[]'), /no statement of model signing/],
    ['what is no JSON within', bundleOf('{'), /It is no JSON/],
    ['what is no JSON', '{', /no sigstore bundle.*It is no JSON/],
    ['nothing', null as never, /no sigstore bundle/],
  ])('refuses %s', async (_what, bundle, message) => {
    expect((await failure(bundle)).message).toMatch(message);
  });

  it('refuses keys of another kind', async () => {
    const other = pair('P-384').publicKey;
    expect((await failure(signed, files, pem(other))).message).toMatch(/options\.publicKey is a key on the curve P-384/);
    expect((await failure(signed, files, keys.private)).message).toMatch(/is a private key; it must be the public one/);
    expect((await failure(signed, files, pem(pair().publicKey))).message).toMatch(/was made with the key .*, not with/);
    const rsa = await webcrypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, true, ['sign', 'verify']);
    expect((await failure(signed, files, rsa.publicKey)).message).toMatch(/is of RSASSA-PKCS1-v1_5; it must be of ECDSA over P-256/);
    const wrong = await webcrypto.subtle.importKey('spki', createPublicKey(keys.public).export({ format: 'der', type: 'spki' }), { name: 'ECDH', namedCurve: 'P-256' }, true, []);
    expect((await failure(signed, files, wrong)).message).toMatch(/is of ECDH/);
  });

  it('refuses every bundle in which one character of what counts was changed', async () => {
    const { sig } = envelope.signatures[0]!;
    const changes = [envelope.payload, sig].map((text) =>
      // The last characters may have bits that stand for nothing.
      Array.from({ length: Math.floor((text.length - 4) / 5) }, (_, i) => `${text.slice(0, 5 * i)}${text[5 * i] === 'A' ? 'B' : 'A'}${text.slice(5 * i + 1)}`),
    );
    for (const payload of changes[0]!) await failure({ ...signed, dsseEnvelope: { ...envelope, payload } });
    for (const other of changes[1]!) await failure({ ...signed, dsseEnvelope: { ...envelope, signatures: [{ sig: other, keyid: '' }] } });
  });
});

describe('checkSignedBy', () => {
  it('takes the signature of the key among others, and says why there is none', async () => {
    const other = pair();
    const others = await signManifest(files, { name: 'm', privateKey: pem(other.privateKey) });
    expect(await checkSignedBy([others, signed], files, keys.public)).toMatchObject({ name: 'fraud@1' });
    await expect(checkSignedBy([], files, keys.public)).rejects.toThrow(/it has no signature/);
    await expect(checkSignedBy([others], files, keys.public)).rejects.toThrow(/its signature was made with other keys/);
    await expect(checkSignedBy([signed, others], [file('a')], keys.public)).rejects.toThrow(/was signed and is missing/);
  });
});

describe('the signature as DER', () => {
  it('becomes what WebCrypto takes and the same DER again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(32), fc.nat(32), (bytes, a, b) => {
        const p1363 = Uint8Array.from(bytes, (byte, i) => (i < a || (i >= 32 && i < 32 + b) ? 0 : byte));
        expect([...p1363FromDer(derFromP1363(p1363))]).toEqual([...p1363]);
      }),
      { seed: 1 },
    );
  });

  it.each([
    ['cut off', '3006020101020101'.slice(0, -2)],
    ['followed by bytes', '300602010102010100'],
    ['of another length', '3007020101020101'],
    ['with a length in two bytes', '308106020101020101'],
    ['negative', '3006020181020101'],
    ['with zeros that it does not need', '300702020001020101'],
    ['without a number', '3005020002010101'],
    ['with a number of 264 bits', `3026022101${'00'.repeat(32)}020101`],
    ['of other things', '3006040101020101'],
    ['with bytes behind the numbers', '3008020101020101ffff'],
  ])('is refused when it is %s', (_what, hex) => {
    expect(() => p1363FromDer(Buffer.from(hex, 'hex'))).toThrow(/no DER of ECDSA over P-256/);
  });
});
