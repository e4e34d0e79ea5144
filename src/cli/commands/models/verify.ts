import { defineCommand, type Command } from '../../command.ts';
import { bytesText, countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';
import { readGivenFile } from '../../read-given-file.ts';
import { openRegistry } from './open-registry.ts';

export const modelsVerify: Command = defineCommand({
  path: ['models', 'verify'],
  summary: 'Read every file of a version and check it against what was registered, and with a key against what was signed.',
  options: { 'public-key': { type: 'text', short: 'k', value: 'FILE', path: 'options.publicKey', description: 'The key that must have signed: a PEM or a JWK of ECDSA over P-256.', otherwise: 'signatures are not looked at' } },
  positionals: [{ name: 'VERSION', description: 'Such as NAME@3 or NAME@production.' }],
  examples: [
    { command: 'models verify flight-delay@production', does: 'Whether the bytes are those that were registered.' },
    { command: 'models verify flight-delay@production --public-key release.pem', does: 'Whether they are those that were signed, too.' },
  ],
  async run(call) {
    const { options, positionals: [ref = ''], out, progress, signal, host } = call;
    const keyFile = options['public-key'];
    const registry = await openRegistry(call);
    if (keyFile !== undefined) {
      const verified = await registry.verify(ref, { publicKey: await readGivenFile(keyFile, '--public-key', host), signal, onProgress: progress });
      await out.result(verified, () => `${printable(verified.model)}@${verified.version} is what was signed by the key ${verified.keyHint}: ${countText(verified.files, 'file')}, ${bytesText(verified.size)}.`);
      return;
    }
    const loaded = await registry.load(ref, { signal });
    const { model, version, size, files } = loaded.version;
    let done = 0;
    for (const { path } of files) {
      for await (const chunk of loaded.stream(path, { signal })) {
        done += chunk.length;
        progress({ phase: 'reading files', done, total: size });
      }
    }
    await out.result({ model, version, files: files.length, size }, () => `${printable(model)}@${version} is what was registered: ${countText(files.length, 'file')}, ${bytesText(size)}.`);
  },
});
