import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, loadJson, saveJson } from 'modelkeep';

async function newRegistry(): Promise<Registry> {
  const registry = new Registry({ storage: new MemoryStorage() });
  await registry.createModel('m');
  return registry;
}

class Matrix {
  readonly rows: number[][];
  constructor(rows: number[][]) {
    this.rows = rows;
  }
  toJSON(): number[][] {
    return this.rows;
  }
}

const same = (json: unknown): unknown => json;

describe('a model of plain data', () => {
  it('comes back as it was, with what JSON loses', async () => {
    const registry = await newRegistry();
    const data = { w: [NaN, Infinity, -Infinity, -0, 1.5], big: 2n ** 70n, bytes: Uint8Array.of(1, 2), at: new Date(0), $odd: { $number: 'NaN' } };
    const version = await saveJson(registry, 'm', data, { metrics: { r2: 1 } });
    expect(version).toMatchObject({ flavor: 'json', metrics: { r2: 1 }, files: [{ path: 'model.json' }] });
    expect(await loadJson(registry, 'm@1', same)).toEqual(data);
  });

  it('is asked by toJSON, and what is within it too', async () => {
    const registry = await newRegistry();
    class Net {
      readonly layers = [new Matrix([[1, NaN]])];
      toJSON(): object {
        return { type: 'net', layers: this.layers, none: undefined };
      }
    }
    await saveJson(registry, 'm', new Net());
    expect(await loadJson(registry, 'm@1', async (json: { layers: number[][][] }) => new Matrix(json.layers[0]!))).toEqual(new Matrix([[1, NaN]]));
  });

  it('is plain JSON where JSON will do, and is read from any', async () => {
    const registry = await newRegistry();
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }).filter((key) => !key.startsWith('$')), fc.jsonValue({ noUnicodeString: false }).filter((value) => !/"\$|-0/.test(JSON.stringify(value)) && !hasNegativeZero(value))), async (data) => {
        const { version } = await saveJson(registry, 'm', data);
        const file = await (await registry.load(`m@${version}`)).file('model.json');
        expect(JSON.parse(new TextDecoder().decode(file))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 15, seed: 5 },
    );
    const { version } = await registry.registerVersion('m', { files: { 'model.json': '{ "b": 1, "a": [true] }\n' } });
    expect(await loadJson(registry, `m@${version}`, same)).toEqual({ b: 1, a: [true] });
  });

  it('is refused with the path of what cannot be kept', async () => {
    const registry = await newRegistry();
    const cycle: Record<string, unknown> = {};
    Object.assign(cycle, { a: cycle, b: cycle });
    for (const [data, path] of [[{ w: [Float32Array.of(1)] }, 'model.w[0]'], [{ f: same }, 'model.f'], [{ m: new Map() }, 'model.m'], [cycle, 'model.a.a'], ['text', 'model']] as const) {
      await expect(saveJson(registry, 'm', data as object)).rejects.toMatchObject({ code: 'validation', details: { path } });
    }
    await registry.registerVersion('m', { files: { 'model.json': 'none' } });
    await expect(loadJson(registry, 'm@1', same)).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('model.json of m@1') as string });
    await expect(loadJson(registry, 'm@1', undefined as never)).rejects.toMatchObject({ code: 'validation' });
  });
});

function hasNegativeZero(value: unknown): boolean {
  return Object.is(value, -0) || (typeof value === 'object' && value !== null && Object.values(value).some(hasNegativeZero));
}
