import { seededRandom } from '../../src/core/random.ts';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { Registry } from '../../src/registry/registry.ts';
import { perform, type Command } from './commands.ts';

// A process of its own that works on a store others work on too; what it did goes to its parent as JSON.
const [, , directory = '', task = '', name = '', times = '0'] = process.argv;
const storage = new FilesystemStorage(directory);
const registry = new Registry({ storage });
const done: unknown[] = [];
const random = seededRandom([...name].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7));

for (let i = 0; i < Number(times); i++) {
  if (task === 'mixed') {
    // Told before and after, so that whoever kills this process knows what was under way.
    const [command, mark] = [mixed(), `${name}.${i}`];
    process.stdout.write(`${JSON.stringify({ mark, command })}\n`);
    const outcome = await perform(registry, command, mark).then(
      (result) => ({ result: result ?? null }),
      (error: { code?: string; message: string }) => ({ error: { code: error.code, message: error.message } }),
    );
    process.stdout.write(`${JSON.stringify({ mark, ...outcome })}\n`);
  } else if (task === 'register') {
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

/** Registrations, promotions and rollbacks, by a seed that is the name of the process. */
function mixed(): Command {
  const version = 1 + Math.floor(random() * 8);
  const draw = random();
  if (draw < 0.35) return { kind: 'register', text: String(version), idempotent: draw < 0.1 };
  if (draw < 0.7) return { kind: 'promote', version, stage: draw < 0.6 ? 'production' : 'staging' };
  if (draw < 0.9) return { kind: 'rollback', to: draw < 0.75 ? version : undefined, from: undefined };
  return { kind: draw < 0.95 ? 'retire' : 'reinstate', version };
}
