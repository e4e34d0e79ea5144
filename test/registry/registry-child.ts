import { FilesystemStorage } from '../../src/filesystem.ts';
import { Registry } from '../../src/registry/registry.ts';

// A process of its own that works on a store others work on too; what it did goes to its parent as JSON.
const [, , directory = '', task = '', name = '', times = '0'] = process.argv;
const storage = new FilesystemStorage(directory);
const registry = new Registry({ storage });
const done: unknown[] = [];

for (let i = 0; i < Number(times); i++) {
  if (task === 'register') {
    const { version } = await registry.registerVersion('m', { files: { 'model.json': `${name}.${i}`, shared: 'the same everywhere' }, createdBy: name, tags: { i: String(i) } });
    done.push(version);
    process.stdout.write(`${version}\n`);
  } else {
    const version = (Number(name) + i) % 5 + 1;
    await registry.promote(`m@${version}`, 'production', { by: name, reason: `promotion ${i}` }).catch((error: { code?: string }) => {
      if (error.code !== 'conflict') throw error;
    });
    const back = await registry.rollback('m', { by: name, reason: `rollback ${i}` }).catch((error: { code?: string }) => {
      if (error.code !== 'not-found' && error.code !== 'conflict') throw error;
    });
    done.push([version, back?.version ?? null]);
  }
}
await storage.close();
process.stdout.write(`done ${JSON.stringify(done)}\n`);
