import { describe, expect, it } from 'vitest';
import { IntegrityError } from 'modelkeep';
import { csvRuns, dvcliveSource, exportRunsJsonl, jsonlRuns, mlrunsSource, sourceDirectory, sourceFile, wandbSource, type ImportedRun, type SourceDirectory } from 'modelkeep/interchange';
import { parseYaml } from '../../../src/tracking/interchange/parse-yaml.ts';
import { item, nested, number, wandbFile } from '../../integrations/wandb-file.ts';
import { all, Imported, textOf } from './imported.ts';
import { of, points, run, startedAt } from './made-runs.ts';

const about = { experiment: 'e', startedAt };

describe('a source', () => {
  const odd = ['__proto__', 'constructor', '../../etc/passwd', 'a/../b', '..', '/abs', 'a\\b', '', 'x'.repeat(1_000), '\ud800', '\0', 'a%b', 'a_b', 'a\nb'];

  it('may call things whatever it likes: each is there, none leaves its place, and two stay two', async () => {
    const store = new Imported();
    const named = <T>(value: T): Record<string, T> => Object.fromEntries(odd.map((name) => [name, value]));
    const source: ImportedRun = run('x:1', [points(2 * odd.length, 0, odd)], {
      params: named(1), tags: named('t'),
      async *artifacts() { for (const name of odd) yield { name, content: name === '\ud800' ? 'surrogate' : `of ${name}` }; },
    });
    const { imported, damaged } = await store.add(of(source));
    expect(damaged).toEqual([]);
    const { id } = imported[0]!;
    const record = await store.tracker.getRun(id);
    for (const group of [record.params, record.metrics]) expect(Object.keys(group)).toHaveLength(odd.length);
    expect(Object.keys(record.tags)).toHaveLength(odd.length + 1);
    expect(Object.hasOwn(record.metrics, '__proto__') && Object.hasOwn(record.params, '__proto__') && Object.hasOwn(record.tags, '__proto__')).toBe(true);
    expect(await store.points(id, '__proto__')).toHaveLength(2);
    const names = (await store.tracker.listArtifacts(id)).items.map(({ name }) => name);
    expect(new Set(names).size).toBe(odd.length);
    expect(names.flatMap((name) => name.split('/')).filter((part) => part === '' || part === '.' || part === '..')).toEqual([]);
    expect(({} as Record<string, unknown>)['t']).toBeUndefined();
    expect((await store.add(of(source))).unchanged).toHaveLength(1);
    const copy = new Imported();
    await copy.add(jsonlRuns(sourceFile('a', await textOf(exportRunsJsonl(store.export())))));
    expect(await copy.tracker.getRun(id)).toEqual(record);
  });

  it('that gives the same run twice does no harm, and one that gives what is no run is told so', async () => {
    const store = new Imported();
    const report = await store.add(of(run('x:1', [points(4)]), { ...run('x:2', []), metrics: undefined } as never, run('x:1', [points(4)])));
    expect(report.imported).toHaveLength(1);
    expect(report.unchanged).toHaveLength(1);
    expect(report.damaged).toMatchObject([{ source: 'x:2', message: expect.stringContaining('metrics') }]);
    await expect(store.add(of(null as never))).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('null') });
  });

  it('of which a file or folder cannot be read gives all the others', async () => {
    const meta = 'run_id: r\nrun_name: r\nstart_time: 5\nend_time: 6\nstatus: 3\n';
    const inner = sourceDirectory({
      '1/meta.yaml': "experiment_id: '1'\nname: e\n", '1/r/meta.yaml': meta, '1/r/metrics/a': '5 1 0\n', '1/r/metrics/b': '5 1 0\n', '1/r/metrics/deep/c': '5 1 0\n', '1/r/metrics/shut/d': '5 1 0\n',
      '1/r/params/p': '1', '1/r/params/q': '2', '1/r/artifacts/one': '1', '1/r/artifacts/two': '2', '1/r/artifacts/shut/three': '3', '1/r/artifacts/z/four': '4', '1/s/meta.yaml': meta.replaceAll(': r', ': s'), '2/t/meta.yaml': meta,
    });
    const refused = new Set(['1/r/metrics/a', '1/r/metrics/shut', '1/r/params/q', '1/r/artifacts/one', '1/r/artifacts/shut', '1/s/inputs', '2']);
    const refuse = (path: string): void => {
      if (refused.has(path)) throw new IntegrityError(`${path} cannot be read: EIO.`, { key: path });
    };
    const directory: SourceDirectory = {
      async *list(path, options) { refuse(path); yield* inner.list(path, options); },
      async *open(path, options) { refuse(path); yield* inner.open(path, options); },
      size: (path, options) => inner.size(path, options),
    };
    const store = new Imported();
    const { imported, damaged } = await store.add(mlrunsSource(directory));
    expect(imported).toHaveLength(2);
    expect(damaged.map(({ message }) => /(\S+) cannot be read/.exec(message)?.[1]).sort()).toEqual([...refused].sort());
    const { id } = imported[0]!;
    expect(await store.tracker.getRun(id)).toMatchObject({ params: { p: '1' }, metrics: { b: { value: 1 }, 'deep/c': { value: 1 } } });
    expect((await store.tracker.listArtifacts(id)).items.map(({ name }) => name)).toEqual(['two', 'z/four']);
  });
});

describe('a file whose lines name their runs', () => {
  it('loses with a changed line that line alone, or the run whose experiment it told, and says at which byte', async () => {
    const whole = new Imported();
    const { imported } = await whole.add(of(run('x:1', [points(20)]), run('x:2', [points(20)])));
    const text = await textOf(exportRunsJsonl(whole.export()));
    const lines = text.split('\n').slice(0, -1);
    for (const [number, line] of lines.entries()) {
      const name = line.indexOf('"run":"') + '"run":"'.length;
      const start = Buffer.byteLength(lines.slice(0, number).map((each) => `${each}\n`).join(''));
      for (const changed of [`${line.slice(0, name)}~${line.slice(name + 1)}`, line.slice(1)]) {
        const store = new Imported();
        const { damaged } = await store.add(jsonlRuns(sourceFile('a.jsonl', [...lines.slice(0, number), changed, ...lines.slice(number + 1)].join('\n').concat('\n'))));
        const kept = (await Promise.all(imported.map(async ({ id }) => (await store.points(id, 'loss').catch(() => [])).length + (await store.points(id, 'acc').catch(() => [])).length))).sort((a, b) => a - b);
        const head = line.includes('"kind":"run"');
        expect(kept, line).toEqual(head ? [0, 20] : [19, 20]);
        expect(damaged.map(({ where }) => where), line).toEqual(damaged.map(() => 'a.jsonl'));
        // The points of a run whose experiment nobody tells begin behind the line that told it.
        if (!head || changed === line.slice(1)) expect(damaged[0], line).toMatchObject({ offset: start });
        else expect(damaged, line).toMatchObject([{ offset: start + Buffer.byteLength(line) + 1, message: expect.stringContaining('which experiment') }]);
      }
    }
  });

  it('is refused when it is sound and does not say what has to be known', async () => {
    await expect(new Imported().add(jsonlRuns(sourceFile('a.jsonl', '{"step":0,"loss":1}\n')))).rejects.toMatchObject({ code: 'validation', details: { path: 'experiment' } });
  });
});

describe('files made to do harm', () => {
  const size = 2 ** 19;

  it.each([
    ['many quoted items in a line', `[${'"a",'.repeat(size / 4)}]`],
    ['a quoted text of many lines', `"${'a\n'.repeat(size / 2)}"`],
    ['blanks within a plain text', `a: x${' '.repeat(size)}y`],
    ['blanks within an item', `[x${' '.repeat(size)}y]`],
    ['blanks within quotes', `a: "x${' '.repeat(size)}y\n"`],
    ['many keys in a line', `{${Array.from({ length: size / 8 }, (_, i) => `k${i}: 1`).join(',')}}`],
    ['many lines of a plain text', `a: x\n${'  y\n'.repeat(size / 4)}`],
  ])('YAML with %s is read in one go', (_, text) => {
    expect(parseYaml(text, 'a.yaml')).toBeDefined();
  });

  it('YAML that is nested without end, or refers to itself, is refused', () => {
    expect(() => parseYaml('- '.repeat(100_000), 'a')).toThrow(/nested more than/);
    expect(() => parseYaml('{a: '.repeat(100_000), 'a')).toThrow(/nested more than/);
    expect(() => parseYaml('a: &a [*a, *a]', 'a')).toThrow(/not read here/);
    expect(() => parseYaml('{a: 1, a: 2}', 'a')).toThrow(/second 'a'/);
  });

  it('JSON that is nested without end, or never closes its quotes, is one damaged line', async () => {
    const store = new Imported();
    const lines = ['{"step":0,"a":1}', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, `{"b": NaN, "c": "${'\\"'.repeat(500_000)}`, `{"d": NaN, "${'#'.repeat(size)}": 1}`, '{"__proto__": 3, "e": NaN, "step": 1}', '{"step":1e400,"a":1}', '{"step":9007199254740993,"a":1}', '{"step":1,"f":1e999,"g":"NaN"}'];
    const { imported, damaged } = await store.add(jsonlRuns(sourceFile('a.jsonl', lines.join('\n')), about));
    expect(damaged.map(({ offset }) => lines.findIndex((_, i) => lines.slice(0, i).join('\n').length + Math.min(i, 1) === offset))).toEqual([2, 5, 6]);
    const { metrics } = await store.tracker.getRun(imported[0]!.id);
    expect(Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^[#_]/.test(name)).map(([name, { value }]) => [name, value]))).toEqual({ a: 1, d: NaN, e: NaN, f: Infinity, g: NaN });
    expect(Object.hasOwn(metrics, '__proto__')).toBe(true);
  });

  it('lines that do not end are damage, not a point that is cut', async () => {
    const long = '9'.repeat(17 * 2 ** 20);
    for (const text of [`metric,value\na,1\nb,${long}\nc,3\n`, `metric,value\na,1\nb,"${long}\nc,3\n`]) {
      const store = new Imported();
      const { imported, damaged } = await store.add(csvRuns(sourceFile('a.csv', text), about));
      expect(damaged).toMatchObject([{ offset: 17, message: expect.stringContaining('16 MB') }]);
      expect(Object.keys((await store.tracker.getRun(imported[0]!.id)).metrics)).toEqual(['a', 'c']);
    }
  });

  it('a W&B file whose lengths lie gives what is sound in it', async () => {
    const about = nested(17, [nested(1, 'abc'), nested(3, 'p'), nested(17, [number(1, 1)]), nested(4, [nested(1, item(['__proto__', 'polluted'], '1')), nested(1, item(['a', '__proto__', 'polluted'], '2'))])]);
    const row = nested(2, [nested(1, item('loss', '1')), nested(2, [number(1, 2 ** 60)])]);
    const lying = Uint8Array.from([...row.subarray(0, 1), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, ...row.subarray(2)]);
    const deep = nested(2, [nested(1, item('deep', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`))]);
    const store = new Imported();
    const { imported, damaged } = await store.add(wandbSource(sourceFile('a', wandbFile([about, lying, row, deep, nested(2, [nested(1, item('ok', '2'))])]))));
    const record = await store.tracker.getRun(imported[0]!.id);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getOwnPropertyNames(record.params)).toEqual(['__proto__', 'a']);
    expect(record.metrics['ok']).toMatchObject({ value: 2 });
    expect(damaged.map(({ message }) => message)).toEqual([expect.stringContaining("none of W&B's"), expect.stringContaining("'deep"), expect.stringMatching(/step 1152921504606847000/)]);
  });

  it('a DVCLive summary that is nested without end is passed over', async () => {
    const store = new Imported();
    const directory = sourceDirectory({ 'metrics.json': `{"a":${'{"b":'.repeat(50_000)}1${'}'.repeat(50_000)}, "c": 2}` });
    const { imported } = await store.add(dvcliveSource(directory, { ...about, name: 'n' }));
    expect(Object.keys((await store.tracker.getRun(imported[0]!.id)).metrics)).toEqual(['c']);
  });
});

describe('a store that is damaged', () => {
  it('is exported but for what cannot be read, when the damage is asked for, and not silently otherwise', async () => {
    const store = new Imported();
    const { imported } = await store.add(of(run('x:1', [points(4)], { async *artifacts() { yield { name: 'a', content: 'a' }; yield { name: 'b', content: 'b' }; } }), run('x:2', [points(4)])));
    const { id } = imported[0]!;
    await store.storage.append(`tracking/metrics/${id}`, [Uint8Array.of(9, 0, 0, 0, 1)]);
    const key = (await store.storage.list({ prefix: `tracking/artifacts/${id}/` })).entries[0]!.key;
    await store.storage.write([{ kind: 'put', key, bytes: Uint8Array.of(1) }]);
    await expect(textOf(exportRunsJsonl(store.export()))).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining(id) });
    const told: string[] = [];
    const text = await textOf(exportRunsJsonl(store.export(), { onDamage: ({ where }) => told.push(where) }));
    expect(told).toEqual([expect.stringMatching(`^tracking/metrics/${id}, entry 2 of`)]);
    expect(text.split('\n')).toHaveLength(11);
    const copy = new Imported();
    const { damaged } = await copy.add(store.export());
    expect(damaged.map(({ where }) => where)).toEqual([told[0], key]);
    expect((await copy.tracker.listArtifacts(id)).items.map(({ name }) => name)).toEqual(['b']);
    expect(await all(copy.tracker.runs())).toHaveLength(2);
  });

  it('gives an artifact whose bytes are not what was logged as damage', async () => {
    const store = new Imported();
    const broken = { name: 'broken', size: 3, content: (async function* (): AsyncGenerator<Uint8Array> { yield Uint8Array.of(1); throw new IntegrityError('the blob is not what it says'); })() };
    const { imported, damaged } = await store.add(of(run('x:1', [], { async *artifacts() { yield broken; yield { name: 'sound', content: 's' }; } })));
    expect(damaged).toMatchObject([{ where: 'artifact broken', message: expect.stringContaining('not what it says') }]);
    expect((await store.tracker.listArtifacts(imported[0]!.id)).items.map(({ name }) => name)).toEqual(['sound']);
  });
});
