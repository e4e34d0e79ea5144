import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, gates, isModelkeepError } from 'modelkeep';
import { stageOf } from '../../src/registry/stages.ts';
import { replayed } from './replayed.ts';

const who = { by: 'tester', reason: 'because' };

describe('several registries on one store', () => {
  it('give every registration a number of its own', async () => {
    const storage = new MemoryStorage();
    await new Registry({ storage }).createModel('m');
    const registries = Array.from({ length: 4 }, () => new Registry({ storage }));
    const made = await Promise.all(
      registries.map(async (registry, r) => {
        const numbers: number[] = [];
        for (let i = 0; i < 10; i++) numbers.push((await registry.registerVersion('m', { files: { f: `${r}.${i}` }, tags: { by: `${r}.${i}` } })).version);
        return numbers;
      }),
    );
    expect(made.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    for (const numbers of made) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    for (const [r, numbers] of made.entries()) {
      for (const [i, number] of numbers.entries()) {
        const loaded = await registries[0]!.load(`m@${number}`);
        expect([loaded.version.tags['by'], new TextDecoder().decode(await loaded.file('f'))]).toEqual([`${r}.${i}`, `${r}.${i}`]);
      }
    }
    const history = await registries[1]!.history('m');
    expect(history.map((event) => event.sequence)).toEqual(Array.from({ length: 41 }, (_, i) => i + 1));
  });

  it('create a model once', async () => {
    const storage = new MemoryStorage();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => new Registry({ storage }).createModel('m')));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(isModelkeepError(outcome.reason, 'conflict')).toBe(true);
  });

  it('never have two versions in production, and the history tells exactly how it came', async () => {
    const storage = new MemoryStorage();
    const setup = new Registry({ storage });
    await setup.createModel('m');
    for (let i = 1; i <= 6; i++) await setup.registerVersion('m', { files: { f: String(i) } });
    await setup.setPolicy('m', { production: [gates.integrity()] });
    await setup.promote('m@1', 'production', who);
    let rollbacks = 0;
    let conflicts = 0;
    const lost = (error: unknown): void => {
      if (!isModelkeepError(error, 'conflict')) throw error;
      conflicts++;
    };
    await Promise.all(
      Array.from({ length: 6 }, async (_, r) => {
        const registry = new Registry({ storage });
        for (let i = 0; i < 5; i++) {
          await registry.promote(`m@${((r + i) % 6) + 1}`, i % 3 === 2 ? 'staging' : 'production', { by: `p${r}`, reason: String(i) }).catch(lost);
          if (i % 2 === 1) {
            const done = await registry.rollback('m', { by: `p${r}`, reason: 'back' }).catch((error: unknown) => {
              if (!isModelkeepError(error, 'not-found')) lost(error);
            });
            if (done) rollbacks++;
          }
        }
      }),
    );
    const history = await setup.history('m');
    expect(history.map((event) => event.sequence)).toEqual(history.map((_, i) => i + 1));
    expect(new Set(history.map((event) => event.id)).size).toBe(history.length);
    expect(history.filter((event) => event.type === 'rolled-back')).toHaveLength(rollbacks);
    expect(conflicts).toBeGreaterThan(0);
    const state = replayed(history);
    for (let version = 1; version <= 6; version++) expect((await setup.getVersion(`m@${version}`)).stage).toBe(stageOf(state, version));
    expect((await setup.getModel('m')).production).toBe(state.production);
  });
});
