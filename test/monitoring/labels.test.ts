import { MemoryStorage } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { joinLabels } from '../../src/monitoring/labels/join-labels.ts';
import { LabelLog } from '../../src/monitoring/labels/label-log.ts';
import { labelValue } from '../../src/monitoring/labels/label-values.ts';

const everyMs = 1000;
const maxDelayMs = 2500;

interface Prediction {
  readonly at: number;
  readonly value: number;
  readonly version: string;
  readonly label?: number;
  readonly labelAt?: number;
}

function logOn(storage: MemoryStorage, onError: (error: unknown) => void = (error) => expect.fail(String(error))): LabelLog {
  return new LabelLog({ storage, key: 'monitors/m', encoding: 'number', everyMs, onError });
}

describe('labels', () => {
  it('find their predictions as one map of all would, whoever writes them, in however many parts', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const storage = new MemoryStorage();
      const logs = [logOn(storage), logOn(storage)];
      const expected = new Map<string, Prediction>();
      const labels: { id: string; at: number; value: number }[] = [];
      const below = (n: number): number => Math.floor(random() * n);
      // No two moments are alike, so that the newest is one whoever wrote it.
      for (let n = 0; n < 400; n++) {
        const at = below(5000) + n / 400;
        const id = `id${below(150)}`;
        if (random() < 0.5) {
          const value = random();
          const version = ['', 'v1', 'v2'][below(3)]!;
          logs[below(2)]!.add('predictions', id, at, value, version);
          const key = `${Math.floor(at / everyMs)}/${id}`;
          if (!((expected.get(key)?.at ?? -1) > at)) expected.set(key, { at, value, version });
        } else {
          const value = below(2);
          logs[below(2)]!.add('labels', id, at, value, '');
          labels.push({ id, at, value });
        }
        if (random() < 0.05) await logs[below(2)]!.write();
      }
      for (const { id, at, value } of labels.sort((a, b) => a.at - b.at)) {
        for (const [key, prediction] of expected) {
          if (key.split('/')[1] !== id || at < prediction.at - everyMs || at > prediction.at + maxDelayMs) continue;
          expected.set(key, { ...prediction, label: value, labelAt: at });
        }
      }
      for (const log of logs) await log.write();
      const periods = await logs[0]!.periods({});
      for (const held of [1 << 18, 40]) {
        const found: string[] = [];
        await joinLabels(logs[0]!, { periods, everyMs, maxDelayMs, now: 10_000, held }, (period, version, prediction, label, labelled) =>
          found.push(JSON.stringify([period, version, prediction, labelled ? label : null])),
        );
        const wanted = [...expected].map(([key, { version, value, label }]) => JSON.stringify([Number(key.split('/')[0]) * everyMs, version, value, label ?? null]));
        expect(found.sort(), `seed ${seed}, ${held} held`).toEqual(wanted.sort());
      }
    }
  });

  it('go with their periods, and those that another may still need stay', async () => {
    const storage = new MemoryStorage();
    const log = logOn(storage);
    for (const at of [500, 1500, 2500, 3500]) for (const side of ['predictions', 'labels'] as const) log.add(side, 'a', at, 1, '');
    await log.write();
    await log.clean(3000, {});
    expect(await log.periods({})).toEqual([3000]);
    const left = (await storage.list({ kind: 'log', prefix: 'monitors/m/number/labels/' })).entries.map(({ key }) => Number(key.slice(-4)));
    expect(left).toEqual([2000, 3000]);
  });

  it('wait in the memory while the storage fails, a million at most, and what is let go is told', async () => {
    const storage = new MemoryStorage();
    let broken = true;
    const failing = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (name === 'append' && broken) return () => Promise.reject(new Error('the disk is gone'));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const told: unknown[] = [];
    const log = logOn(failing, (error) => told.push(error));
    for (let i = 0; i < 1_000_003; i++) log.add('labels', 'one', 500, i, '');
    expect(log.waiting).toBe(1_000_000);
    await expect(log.write()).rejects.toThrow('the disk is gone');
    expect(log.waiting).toBe(1_000_000);
    broken = false;
    await log.write();
    expect(log.waiting).toBe(0);
    expect(told).toEqual([expect.objectContaining({ code: 'storage', message: expect.stringMatching(/^3 predictions or labels of monitors\/m came/) as string })]);
    let rows = 0;
    let last = 0;
    for await (const stretch of log.read('labels', 0, {})) {
      rows += stretch.rows;
      last = stretch.values[stretch.rows - 1]!;
    }
    expect([rows, last]).toEqual([1_000_000, 999_999]);
  });

  it('are numbers or classes', () => {
    expect([true, false, 0.5, '1', null].map((value) => labelValue(value, 'number'))).toEqual([1, 0, 0.5, NaN, NaN]);
    const codes = ['late', 'on time', 1, 0, '1'].map((value) => labelValue(value, 'class'));
    expect(new Set(codes).size).toBe(5);
    expect(codes.every(Number.isSafeInteger)).toBe(true);
    expect([true, false, null, NaN].map((value) => labelValue(value, 'class'))).toEqual([codes[2], codes[3], NaN, NaN]);
  });
});
