import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, expression, featureView, FeatureStore, MemoryStorage, onDemandView } from 'modelkeep';
import { toColumn, valueAt, type ColumnType } from '../../src/core/column.ts';
import { columnName, computeColumn, computedType } from '../../src/features/expressions/expression.ts';
import { simulatedClock } from './simulated-clock.ts';
import { minute, start } from './world.ts';

type Row = Readonly<Record<string, unknown>>;

const types: Record<string, ColumnType> = { x: 'float64', y: 'float64', n: 'int64', flag: 'bool', text: 'string', at: 'timestamp' };

function valuesOf(text: string, rows: readonly Row[]): unknown[] {
  const columns = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, toColumn(rows.map((row) => row[name] ?? null), type, name)]));
  const name = columnName(expression(text));
  const column = computeColumn(name, rows.length, (each) => columns[each])!;
  expect(column.type).toBe(computedType(name, { ...types }, 'test'));
  return rows.map((_, i) => valueAt(column, i));
}

/** An expression with what it means, written down apart from the product. */
interface Meant {
  readonly text: string;
  readonly of: (row: Row) => unknown;
  /** An `int64`, a whole number as it is written, which is one beside one, or anything else. */
  readonly is?: 'int64' | 'whole' | undefined;
}

/** Of two numbers either may be the result: an `int64` only where neither is a float64. */
function either(a: Meant, b: Meant, text: string, of: (row: Row) => unknown): Meant {
  const exact = (a.is === 'int64' && b.is !== undefined) || (b.is === 'int64' && a.is !== undefined);
  return { text, is: exact ? 'int64' : undefined, of: (row) => ((value) => (value === null ? null : exact ? (typeof value === 'number' ? value + 0 : value) : Number(value)))(of(row)) };
}

const settled = (result: number, ...inputs: number[]): number | null => (Number.isFinite(result) || inputs.some((each) => !Number.isFinite(each)) ? result : null);
const strict = (apply: (a: number, b: number) => number, symbol: string) => (a: Meant, b: Meant): Meant => ({
  text: `(${a.text}) ${symbol} (${b.text})`,
  of: (row) => {
    const [left, right] = [a.of(row), b.of(row)];
    return left === null || right === null ? null : settled(apply(Number(left), Number(right)), Number(left), Number(right));
  },
});
const operators = [strict((a, b) => a + b, '+'), strict((a, b) => a - b, '-'), strict((a, b) => a * b, '*'), strict((a, b) => a / b, '/'), strict((a, b) => a % b, '%')];

const { number, truth } = fc.letrec<{ number: Meant; truth: Meant }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('x', 'y', 'n').map((name): Meant => ({ text: name, of: (row) => row[name], is: name === 'n' ? 'int64' : undefined })),
    fc.constantFrom('0', '2.5', '-3', '1e3', '.5').map((text): Meant => ({ text, of: () => Number(text), is: Number.isInteger(Number(text)) ? 'whole' : undefined })),
    fc.tuple(fc.constantFrom(...operators), tie('number'), tie('number')).map(([operator, a, b]) => operator(a, b)),
    fc.tuple(tie('truth'), tie('number'), tie('number')).map(([test, a, b]) => either(a, b, `if(${test.text}, ${a.text}, ${b.text})`, (row) => (test.of(row) === true ? a : b).of(row))),
    fc.tuple(tie('number'), tie('number')).map(([a, b]) => either(a, b, `coalesce(${a.text},${b.text})`, (row) => a.of(row) ?? b.of(row))),
    tie('number').map((a): Meant => ({ is: a.is === 'whole' ? 'whole' : undefined, text: `- ${/^[a-z]+$/.test(a.text) ? a.text : `(${a.text})`}`, of: (row) => ((value) => (value === null ? null : -Number(value)))(a.of(row)) })),
  ),
  truth: fc.oneof(
    { maxDepth: 3 },
    fc.constant<Meant>({ text: 'flag', of: (row) => row['flag'] }),
    fc.tuple(fc.constantFrom('<', '<=', '>', '>=', '=', '!='), tie('number'), tie('number')).map(([symbol, a, b]): Meant => ({
      text: `(${a.text}) ${symbol} (${b.text})`,
      of: (row) => {
        const [left, right] = [a.of(row) as number | null, b.of(row) as number | null];
        if (left === null || right === null) return null;
        const order = left < right ? '<' : left > right ? '>' : Number.isNaN(Number(left)) || Number.isNaN(Number(right)) ? '?' : '=';
        return symbol === '!=' ? order !== '=' : symbol.includes(order);
      },
    })),
    fc.tuple(fc.constantFrom('and', 'OR'), tie('truth'), tie('truth')).map(([word, a, b]): Meant => ({
      text: `(${a.text}) ${word} (${b.text})`,
      of: (row) => {
        const both = [a.of(row), b.of(row)];
        const decisive = word === 'OR';
        return both.includes(decisive) ? decisive : both.includes(null) ? null : !decisive;
      },
    })),
    tie('truth').map((a): Meant => ({ text: `not (${a.text})`, of: (row) => ((value) => (value === null ? null : value !== true))(a.of(row)) })),
    tie('number').map((a): Meant => ({ text: `(${a.text}) is not null`, of: (row) => a.of(row) !== null })),
  ),
}));

const row = fc.record({ x: fc.constantFrom(null, 0, -0, 1.5, -7, 1e308, NaN, Infinity), y: fc.constantFrom(null, 2, -0.25, 1e308), n: fc.constantFrom(null, 0n, 3n, 9007199254740993n), flag: fc.constantFrom(null, true, false) });

describe('an expression', () => {
  it('means what is written, whatever is missing, and reads back as it is printed', () => {
    fc.assert(
      fc.property(fc.oneof(number, truth), fc.array(row, { minLength: 1, maxLength: 5 }), (meant, rows) => {
        const { text } = expression(meant.text);
        expect(expression(text).text).toBe(text);
        const wanted = rows.map((each) => meant.of(each));
        // What is an int64 stays one where nothing is calculated; beside numbers it is one.
        const found = valuesOf(meant.text, rows);
        expect(found.map((value) => (typeof value === 'bigint' ? Number(value) : value))).toEqual(wanted.map((value) => (typeof value === 'bigint' ? Number(value) : value)));
      }),
      { numRuns: 2_000 },
    );
  });

  const one: Row = { x: 7, y: null, n: 9007199254740993n, flag: true, text: "Grüße's", at: Date.UTC(2024, 1, 29, 23, 5) };

  it.each<[string, unknown]>([
    ['x-1', 6], ['x/2-1', 2.5], ['2 * x + 1 % 2', 15], ['-x * -2', 14], ['1 / 0', null], ['log(0)', null], ['sqrt(-1)', null], ['0 * y', null],
    ['n = 9007199254740993', false], ['n > 9007199254740992', true], ['coalesce(n, 0)', 9007199254740993n], ['n + 0', 9007199254740992], ['least(x, 3, n)', 3], ['greatest(x, y)', null],
    ["text = 'Grüße''s'", true], ['length(text)', 7], ['upper(text)', "GRÜSSE'S"], ["concat(lower(text), '/', text(n), '/', text(flag))", "grüße's/9007199254740993/true"],
    ["text in ('a', \"Grüße's\")", true], ["text in ('a', null)", null], ['x not in (1, 2)', true], ['y is null and not (x is null)', true], ['y > 1 or flag', true], ['y > 1 and flag', null],
    ["if(y > 1, 'many', 'few')", 'few'], ['year(at) * 10000 + month(at) * 100 + day(at)', 20240229], ['day_of_week(at)', 4], ['hour(at) * 60 + minute(at)', 1385], ['start_of_day(at)', Date.UTC(2024, 1, 29)],
    ["at >= '2024-02-29T23:00Z'", true], ['at - start_of_day(at)', 1385 * minute], ['start_of_day(at + 86400000)', Date.UTC(2024, 2, 1)], ['number(flag) + 1', 2], ['`x` + 1', 8], ['round(-2.5)', -2], ['pow(x, 2)', 49],
    ["starts_with(text, 'Gr') and ends_with(text, 's') and contains(text, 'üß') ", true], ['sign(-x) + abs(-x) + floor(1.5) + ceil(1.5)', 9], ['exp(0) + log(1) + log1p(0) + log10(100)', 3], ["trim('  a ')", 'a'],
  ])('%s is right', (text, value) => {
    expect(valuesOf(text, [one])).toEqual([value]);
  });

  it.each([
    ['x +', 'character 4: expected a column, a number, a text in quotes or a function, found the end'],
    ['x + * 2', "character 5: expected a column"],
    ['(x + 1', 'character 7: expected ) for the ( at character 1, found the end'],
    ['x 2', 'character 3: expected an operator such as + or the end, found "2"'],
    ['sqroot(x)', "character 1: there is no function 'sqroot'; did you mean sqrt?"],
    ['pow(x)', "character 1: 'pow' takes 2 values, and has 1"],
    ["'abc", "character 1: the quote ' is opened here and never closed"],
    ['x === 2', "character 3: '===' is no operator"],
    ['x is 2', 'character 6: expected NULL after IS'],
    ['2x', 'character 1: expected a column'],
    ['1e999', '1e999 is larger than any number'],
    [`${'('.repeat(300)}x`, 'nested more than 200 levels deep'],
    [Array.from({ length: 60 }, () => 'x').join(' + '), 'it is more than 50 operations deep'],
    ['null', 'is always missing'],
    ["x + 'a'", "'+' takes a number here, and this is a string"],
    ['upper(x)', "'upper' takes a string here, and this is a float64"],
    ['x and flag', "'and' takes something true or false, and this is a float64"],
    ["coalesce(x, text)", "'coalesce' takes values of one type, and here are a float64 and a string"],
    ['flag < true', "'<' does not order what is true or false"],
    ['at + at', "'+' takes a timestamp and then milliseconds"],
  ])('is refused where it cannot be: %s', (text, message) => {
    expect(() => featureView({ name: 'v', entity: ['id'], timestamp: 't', columns: types, features: { f: expression(text) } })).toThrow(message);
  });

  it('is a feature, what aggregates go over, count and group by, and gives the same when it is served', async () => {
    const clock = simulatedClock(start + 60 * minute);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    const flights = featureView({
      name: 'flights', entity: ['plane'], timestamp: 'landed', ttl: '30m', columns: { carrier: 'string' },
      features: {
        delay: 'float64',
        speed: { from: expression<'float64'>('distance / (minutes / 60)'), default: 0 },
        mean_speed: aggregate.mean(expression('distance / (minutes / 60)'), { window: '1d' }),
        late: aggregate.count({ window: '1d', where: expression("delay > 15 and carrier != 'XX'") }),
        by_length: aggregate.count({ window: '1d', by: expression("if(distance > 1000, 'long', 'short')") }),
        per_minute: aggregate.ratio('distance', expression('coalesce(minutes, 60)'), { window: '1d' }),
      },
    });
    const fast = onDemandView({ name: 'fast', version: '1', inputs: { speed: flights.feature('speed') }, features: { fast: 'bool' }, compute: ({ speed }) => ({ fast: speed !== null && speed > 800 }) });
    await store.apply([flights, fast]);
    const rows = [
      { plane: 'a', landed: start, delay: 20, distance: 1800, minutes: 120, carrier: 'AA' },
      { plane: 'a', landed: start + 40 * minute, delay: 30, distance: 500, minutes: null, carrier: 'XX' },
      { plane: 'b', landed: start + 45 * minute, delay: 0, distance: 900, minutes: 0, carrier: 'AA' },
      { plane: 'c', landed: start, delay: 0, distance: 900, minutes: 60, carrier: 'AA' },
    ];
    await store.ingest(flights, rows, { online: true });
    const features = ['flights:*', 'fast:fast'];
    const keys = ['a', 'b', 'c', 'd'].map((plane) => ({ plane }));
    const online = await store.getOnlineFeatures({ entities: keys, features });
    const offline = await store.getHistoricalFeatures({ entities: keys.map((key) => ({ ...key, at: start + 60 * minute })), timestamp: 'at', features });
    const wanted = {
      delay: [30, 0, null, null], speed: [0, 0, 0, 0], mean_speed: [900, null, 900, null], late: [1, 0, 0, null], fast: [false, false, false, false],
      by_length: [{ long: 1, short: 1 }, { short: 1 }, { short: 1 }, null], per_minute: [2300 / 180, null, 15, null],
    };
    for (const [name, values] of Object.entries(wanted)) {
      expect([name, online.columns[name]]).toEqual([name, values]);
      expect([name, Array.from(offline.columns[name]!)]).toEqual([name, values]);
    }
    expect(online.statuses['speed']).toEqual(['NULL_VALUE', 'NULL_VALUE', 'OUTSIDE_MAX_AGE', 'NOT_FOUND']);
  });

  it('has values for rows that came before it was defined, and is another feature when it is changed', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(start) });
    const of = (text: string | undefined) => featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: { x: 'float64', y: 'float64', ...(text === undefined ? {} : { z: expression(text) }) } });
    await store.apply([of(undefined)]);
    await store.ingest('v', [{ id: 1, at: start, x: 6, y: 2 }]);
    await store.apply([of('x / y')]);
    expect(await store.apply([of('(x)/y')])).toMatchObject([{ change: 'unchanged' }]);
    await expect(store.apply([of('x * y')])).rejects.toThrow("feature 'z' was");
    await store.apply([of('x * y')], { force: true });
    const { columns } = await store.getHistoricalFeatures({ entities: [{ id: 1, at: start }], timestamp: 'at', features: ['v@2:z', { view: 'v', as: 'now', features: ['z'] }] });
    expect([columns['z']![0], columns['now__z']![0]]).toEqual([3, 12]);
  });

  it('says which types do not go together in a view', () => {
    const view = (features: Parameters<typeof featureView>[0]['features']) => () => featureView({ name: 'v', entity: ['id'], timestamp: 'at', features });
    expect(view({ text: 'string', sum: aggregate.sum(expression('upper(text)'), { window: '1h' }) })).toThrow("aggregates '=upper(text)', which is a string column");
    expect(view({ n: aggregate.count({ window: '1h', where: expression('x + 1') }) })).toThrow('compares a float64 column with boolean true');
    expect(view({ text: 'string', last: aggregate.last(expression("coalesce(text, '')"), { window: '1h', type: 'float64' }) })).toThrow("type is float64, but '=coalesce(text, '')' is a string column");
    expect(view({ hour: expression('hour(at)') })).toThrow("'at', which is a key or timestamp column");
    expect(() => aggregate.sum({ kind: 'other' } as never, { window: '1h' })).toThrow('aggregate.sum needs the name of a column, or an expression');
  });
});
