import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterText } from '../../../src/tracking/search/filter-text.ts';
import { parseFilter } from '../../../src/tracking/search/parse-filter.ts';
import { checkFilter, filters } from './runs.ts';

function faultOf(text: string): { message: string; position: unknown } {
  try {
    parseFilter(text);
  } catch (error) {
    expect(error).toMatchObject({ code: 'validation', details: { path: 'filter' } });
    return { message: (error as Error).message, position: (error as { details: { position?: unknown } }).details.position };
  }
  throw new Error(`${text} was read.`);
}

describe('what MLflow reads', () => {
  it.each([
    ['metric.loss >= 0.94', { metric: 'loss', gte: 0.94 }],
    ['metric.loss>=100', { metric: 'loss', gte: 100 }],
    ['metrics.F1 = 3', { metric: 'F1', eq: 3 }],
    ['metrics.x != -1', { metric: 'x', ne: -1 }],
    ['metrics.x < 1e0', { metric: 'x', lt: 1 }],
    ['metrics.x <= 1.5e-3', { metric: 'x', lte: 0.0015 }],
    ["params.kind!='tree'", { param: 'kind', ne: 'tree' }],
    ['params."kind"!="tree"', { param: 'kind', ne: 'tree' }],
    ['param.kind = "tree"', { param: 'kind', eq: 'tree' }],
    ["parameter.kind = 'tree'", { param: 'kind', eq: 'tree' }],
    ["parameters.kind = 'tree'", { param: 'kind', eq: 'tree' }],
    ['metric."two words" >= 0.243', { metric: 'two words', gte: 0.243 }],
    ['metrics.`two words` > 5', { metric: 'two words', gt: 5 }],
    ['params."two words" = "a b"', { param: 'two words', eq: 'a b' }],
    ['metrics."A-B-C" = 3', { metric: 'A-B-C', eq: 3 }],
    ['metrics."a//b#$$@&c" = 3', { metric: 'a//b#$$@&c', eq: 3 }],
    ['metrics.top.5.accuracy > 5', { metric: 'top.5.accuracy', gt: 5 }],
    ['metrics."top.5.accuracy" > 5', { metric: 'top.5.accuracy', gt: 5 }],
    ['params."a.b.c" != "x"', { param: 'a.b.c', ne: 'x' }],
    ['tags."a.b" = "x"', { tag: 'a.b', eq: 'x' }],
    ["tags.commit = 'not-a-word'", { tag: 'commit', eq: 'not-a-word' }],
    ['`metric`.a >= 0.1', { metric: 'a', gte: 0.1 }],
    ["`params`.kind >= 'LR'", { param: 'kind', gte: 'LR' }],
    ["`tags`.source = 'a notebook'", { tag: 'source', eq: 'a notebook' }],
    ["tag.team LIKE 'o%'", { tag: 'team', like: 'o%' }],
    ["tag.team ILIKE 'o%'", { tag: 'team', ilike: 'o%' }],
    ['attribute.start_time >= 1234', { attribute: 'startedAt', gte: 1234 }],
    ['start_time >= 1234', { attribute: 'startedAt', gte: 1234 }],
    ['attr.end_time < 9', { attribute: 'endedAt', lt: 9 }],
    ['created < 9', { attribute: 'startedAt', lt: 9 }],
    ["run.status = 'RUNNING'", { attribute: 'status', eq: 'running' }],
    ["attributes.run_name = 'x'", { attribute: 'name', eq: 'x' }],
    ["`run name` = 'x'", { attribute: 'name', eq: 'x' }],
    ["run_id IN ('a', 'b')", { attribute: 'id', in: ['a', 'b'] }],
    ["attributes.run_id NOT IN ('a',)", { attribute: 'id', notIn: ['a'] }],
    ["dataset.name = 'flights'", { dataset: 'name', eq: 'flights' }],
    ["datasets.digest IN ('d')", { dataset: 'digest', in: ['d'] }],
    ["datasets.context = 'train'", { dataset: 'role', eq: 'train' }],
    ['tags.team IS NULL', { tag: 'team', exists: false }],
    ['tags.team IS NOT NULL', { tag: 'team', exists: true }],
    ['params.lr is null', { param: 'lr', exists: false }],
    ['params.lr is  not\nnull', { param: 'lr', exists: true }],
    ["metrics.rmse < 1 and params.kind = 'LR'", { and: [{ metric: 'rmse', lt: 1 }, { param: 'kind', eq: 'LR' }] }],
    ["tags.a IS NULL AND params.b = 'v' AND metrics.c > 1", { and: [{ tag: 'a', exists: false }, { param: 'b', eq: 'v' }, { metric: 'c', gt: 1 }] }],
    ['', { and: [] }],
    ['  \n', { and: [] }],
    ['metrics.a > 1 AND', { metric: 'a', gt: 1 }],
    ['metrics.a > 1 AND metrics.b > 2 AND  ', { and: [{ metric: 'a', gt: 1 }, { metric: 'b', gt: 2 }] }],
  ])('%s', (text, filter) => {
    expect(parseFilter(text)).toEqual(filter);
  });

  it.each([
    ["params.m = 'LR'", 'LR'],
    ['params.m = "LR"', 'LR'],
    ['params.m = "L\'Hôpital"', "L'Hôpital"],
    ["params.m = 'say \"no\"'", 'say "no"'],
    ["params.m = 'it''s'", "it's"],
    ['params.m = """"', '"'],
    ["params.m = ''", ''],
    ["params.m = ''''''", "''"],
    ["params.m = 'C:\\temp\\'", 'C:\\temp\\'],
    ["params.m = ' a AND b = 1 '", ' a AND b = 1 '],
  ])('takes the quotes off %s', (text, value) => {
    expect(parseFilter(text)).toEqual({ param: 'm', eq: value });
  });
});

describe('what MLflow does not read', () => {
  it.each([
    ['metrics.a == 1', { metric: 'a', eq: 1 }],
    ['metrics.a > +1', { metric: 'a', gt: 1 }],
    ['metrics.a > .5', { metric: 'a', gt: 0.5 }],
    ['metrics.a = nan', { metric: 'a', eq: NaN }],
    ['metrics.a < INF', { metric: 'a', lt: Infinity }],
    ['metrics.a > -Infinity', { metric: 'a', gt: -Infinity }],
    ['metrics.val/auc-macro:1 > 0.8', { metric: 'val/auc-macro:1', gt: 0.8 }],
    ['metrics.été > 1', { metric: 'été', gt: 1 }],
    ['metrics.and > 1', { metric: 'and', gt: 1 }],
    ['metrics.`a``b` > 1', { metric: 'a`b', gt: 1 }],
    ['METRICS.a > 1', { metric: 'a', gt: 1 }],
    ['metrics.a IN (1, 2)', { metric: 'a', in: [1, 2] }],
    ['metrics.a NOT IN (1)', { metric: 'a', notIn: [1] }],
    ['metrics.a IS NULL', { metric: 'a', exists: false }],
    ['metrics.a BETWEEN 1 AND 2', { metric: 'a', between: [1, 2] }],
    ["name between 'a' and 'b' and metrics.a>1", { and: [{ attribute: 'name', between: ['a', 'b'] }, { metric: 'a', gt: 1 }] }],
    ["tags.t NOT LIKE 'a%'", { tag: 't', notLike: 'a%' }],
    ["tags.t not ilike 'a%'", { tag: 't', notIlike: 'a%' }],
    ["NOT tags.t LIKE 'a%'", { not: { tag: 't', like: 'a%' } }],
    ['NOT NOT duration > 5', { not: { not: { attribute: 'duration', gt: 5 } } }],
    ["status = 'Finished' or lifecycle = 'DELETED'", { or: [{ attribute: 'status', eq: 'finished' }, { attribute: 'lifecycle', eq: 'deleted' }] }],
    ['parent IS NULL', { attribute: 'parent', exists: false }],
    ['((metrics.a > 1))', { metric: 'a', gt: 1 }],
    ['NOT(metrics.a>1)', { not: { metric: 'a', gt: 1 } }],
    ['TRUE', { and: [] }],
    ['false OR metrics.a > 1', { or: [{ or: [] }, { metric: 'a', gt: 1 }] }],
  ])('%s', (text, filter) => {
    expect(parseFilter(text)).toEqual(filter);
  });

  it('binds NOT before AND before OR, and parentheses before all', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((metric) => ({ metric, gt: 0 }));
    expect(parseFilter('metrics.a>0 OR metrics.b>0 AND metrics.c>0')).toEqual({ or: [a, { and: [b, c] }] });
    expect(parseFilter('(metrics.a>0 OR metrics.b>0) AND metrics.c>0')).toEqual({ and: [{ or: [a, b] }, c] });
    expect(parseFilter('NOT metrics.a>0 AND metrics.b>0')).toEqual({ and: [{ not: a }, b] });
    expect(parseFilter('(metrics.a>0 AND metrics.b>0) AND metrics.c>0')).toEqual({ and: [{ and: [a, b] }, c] });
  });
});

describe('a filter that cannot be read', () => {
  it.each([
    // Things that there are not.
    ['m.acc >= 0.94', 0, 'there is no "m" to search'],
    ["p.model >= 'LR'", 0, 'there is no "p"'],
    ['metrcs.acc > 1', 0, 'did you mean metrics?'],
    ['attri.x != 1', 0, 'did you mean attr?'],
    ['acc >= 0.94', 0, 'there is no attribute "acc"'],
    ['attribute.start != 1', 10, 'there is no attribute "start"'],
    ['attribute.start_tme != 1', 10, 'did you mean start_time?'],
    ['statsu = 1', 0, 'did you mean status?'],
    ["attribute._status != 'RUNNING'", 10, 'did you mean status?'],
    ['attribute.time != 1', 10, 'there is no attribute "time"'],
    ["dataset.status = 'true'", 8, 'ask for its name, digest or role'],
    ["dataset.profile = 'n'", 8, 'a dataset has no "profile"'],
    ["`metrics.a` > 1", 0, 'there is no attribute "metrics.a"'],
    // Clauses that do not go on.
    ['metric.acc >= 0.94; metrics.rmse < 1', 18, 'expected AND, OR or the end, found ";"'],
    ["metrics.A > 0.1 NAND params.B = 'LR'", 16, 'found "NAND"'],
    ['metrics.A > 0.1 AND (metrics.B = 1', 34, 'expected AND, OR or the ) of the parenthesis at character 21, found the end'],
    ['metrics.A > 0.1)', 15, 'found ")"'],
    ['(metrics.A > 0.1 AND)', 20, 'expected a name such as metrics.loss'],
    ['()', 1, 'expected a name'],
    ['AND metrics.a > 1', 0, 'expected a name such as metrics.loss, found AND'],
    ['metrics.a > 1 AND AND metrics.b > 1', 18, 'found AND'],
    ['metrics.a > 1 OR', 16, 'found the end'],
    ['NOT', 3, 'found the end'],
    ['params.acc LR !=', 11, 'expected =, !=, >, >=, <, <=, LIKE'],
    ['params.acc LR', 11, 'found "LR"'],
    ['metric.acc !=', 13, 'a metric is compared with a number, found the end'],
    ['acc != 1.0', 0, 'there is no attribute "acc"'],
    ['foo is null', 0, 'there is no attribute "foo"'],
    ['1=1', 0, 'expected a name such as metrics.loss, found "1"'],
    ['1.0 > metrics.acc', 0, 'expected a name'],
    ['metrics.', 8, 'expected the name of a metric, found the end'],
    ['metrics."" > 1', 8, 'a name must not be empty'],
    // Values of the wrong kind.
    ["metric.model = 'LR'", 15, 'a metric is compared with a number, found "\'"'],
    ["metric.model = '5'", 15, 'a number'],
    ['metrics.acc != metrics.acc', 15, 'a number, found "metrics"'],
    ['metrics.acc > 5abc', 14, 'a number, found "5abc"'],
    ['params.acc = 5', 13, "a param is compared with a text in quotes such as 'a', found \"5\""],
    ['tags.acc = 5', 11, 'a tag is compared with a text'],
    ['attribute.status = 1', 19, 'attribute status is compared with a text'],
    ['attribute.status = true', 19, 'found "true"'],
    ['attribute.name != 1', 18, 'attribute name is compared with a text'],
    ["start_time > '2026'", 13, 'attribute startedAt is compared with a number'],
    ["status = 'finishd'", 9, "did you mean 'finished'?"],
    ["status IN ('finished', 'SCHEDULED')", 23, 'it can be running, finished, failed, killed, crashed'],
    ['params.acc = LR', 13, 'a text in quotes'],
    // Quotes.
    ['params.acc = `LR`', 13, 'a text in quotes'],
    ["params.'acc = LR", 7, 'names are quoted with ` or "'],
    ["'params'.acc = 'x'", 0, 'names are quoted with ` or "'],
    ["params.acc = 'LR", 13, "the quote ' is opened here and never closed"],
    ["params.acc = LR'", 13, 'a text in quotes'],
    ['params.acc = "LR\'', 13, 'the quote " is opened here'],
    ['tags.acc = "LR\'', 11, 'the quote "'],
    ['`metrics.A > 0.1', 0, 'the quote ` is opened here'],
    ['param`.A > 0.1', 5, 'expected a . and the name of a param, found "`"'],
    ['metrics > 0.1', 7, 'expected a . and the name of a metric, found " "'],
    ["tags.acc = = 'LR'", 11, 'found "="'],
    // Operators.
    ['metrics.abc ~ 1', 12, 'there is no operator ~; expected ='],
    ['metrics.abc ~= 1', 12, 'there is no operator ~='],
    ['metrics.abc <> 1', 12, 'did you mean !=?'],
    ["params.abc ~ 'x'", 11, 'there is no operator ~'],
    ["metrics.abc LIKE 'x'", 12, 'LIKE cannot be asked of a metric, which is a number'],
    ['attributes.start_time LIKE 1234', 22, 'LIKE cannot be asked of attribute startedAt'],
    ["attributes.start_time ILIKE '1'", 22, 'cannot be asked'],
    ["attributes.status > 'a'", 18, '> cannot be asked of attribute status, which has no order'],
    ["status BETWEEN 'failed' AND 'killed'", 7, 'which has no order'],
    ["attribute.status IS 'RUNNING'", 20, 'expected NOT NULL or NULL'],
    ['tags.a IS NOT', 13, 'expected NULL, found the end'],
    ["tags.a NOT 'x'", 11, 'expected LIKE, ILIKE or IN behind NOT'],
    ["tags.a IN 'x'", 10, 'expected ( and the values'],
    ['tags.a IN ()', 11, 'a text in quotes'],
    ["tags.a IN ('x'", 14, 'expected , or ), found the end'],
    ["tags.a IN ('x' 'y')", 15, 'expected , or )'],
    ['metrics.a BETWEEN 1', 19, 'expected AND and the upper end'],
  ])('%s', (text, position, problem) => {
    const fault = faultOf(text);
    expect(fault.message).toContain(problem);
    expect(fault.position).toBe(position);
  });

  it('is shown with a caret under the character', () => {
    expect(faultOf("metrics.a > 1 AND metrics.loss < 'x'").message).toBe(
      [`The filter cannot be read at character 34: a metric is compared with a number, found "'".`, `  metrics.a > 1 AND metrics.loss < 'x'`, `${' '.repeat(35)}^`].join('\n'),
    );
  });

  it('is shown in part when it is long, and on one line', () => {
    const text = `${"tags.a = '日本' AND\n".repeat(50)}metrics.b = x${' AND metrics.c > 1'.repeat(50)}`;
    const [, line, caret] = faultOf(text).message.split('\n');
    expect(line!.length).toBeLessThan(140);
    expect(line![caret!.indexOf('^')]).toBe('x');
  });

  it('is refused before it is read when it is no text, too long, or not well-formed', () => {
    expect(() => parseFilter(5 as never)).toThrow(/^filter is 5; give a text/);
    expect(() => parseFilter(' '.repeat(1_000_001))).toThrow(/at most 1000000/);
    expect(() => parseFilter("tags.a = '\ud800'")).toThrow(/lone surrogate/);
  });

  it('is refused when it nests too deep, whichever way', () => {
    for (const text of ['('.repeat(100_000), 'NOT '.repeat(100_000), `${'('.repeat(100_000)}metrics.a > 1${')'.repeat(100_000)}`, 'NOT('.repeat(100_000), 'metrics.a > 1 AND ('.repeat(50_000)]) {
      expect(faultOf(text).message).toContain('at most');
    }
  });

  it('is only refused when it is deep, not when it is wide or has needless parentheses', () => {
    expect(parseFilter(`${'('.repeat(150)}metrics.a > 1${')'.repeat(150)}`)).toEqual({ metric: 'a', gt: 1 });
    expect(parseFilter(Array(20_000).fill('metrics.a > 1').join(' OR '))).toMatchObject({ or: { length: 20_000 } });
  });

  it('never throws anything else', () => {
    const pieces = ['metrics', '.', 'a', '`', "'", '"', ' ', '(', ')', ',', '=', '<', '>', 'AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'LIKE', 'BETWEEN', '1', '-', 'nan', 'status', '😀', '\n', '%'];
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: fc.constantFrom(...pieces) }), fc.string({ unit: 'binary' })), (text) => {
        let filter;
        try {
          filter = parseFilter(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'validation', details: { path: 'filter' } });
          return;
        }
        expect(parseFilter(filterText(filter))).toEqual(filter);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe('the text of a filter', () => {
  it('is read as the same filter', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(parseFilter(filterText(filter))).toEqual(filter);
        expect(checkFilter(filter)).toEqual(filter);
      }),
      { seed: 2, numRuns: 2000 },
    );
  });

  it('is read again at the greatest depth that a filter may have', () => {
    let filter: object = { metric: 'a', gt: 1 };
    for (let depth = 1; depth < 100; depth++) filter = depth % 3 === 0 ? { not: filter } : depth % 3 === 1 ? { and: [filter, { tag: 'b', eq: 'x' }] } : { or: [{ tag: 'c', eq: 'y' }, filter] };
    const checked = checkFilter(filter);
    expect(parseFilter(filterText(checked))).toEqual(checked);
    expect(() => checkFilter({ not: filter })).toThrow(/nested more than 100 deep/);
  });

  it('is what a person would write', () => {
    const filter = checkFilter({ and: [{ metric: 'val/auc', gt: 0.8 }, { or: [{ tag: 'my team', ilike: "o'%" }, { not: { attribute: 'run_name', exists: false } }] }, { param: 'k', in: ['a', 'b'] }] });
    expect(filterText(filter)).toBe("metrics.val/auc > 0.8 AND (tags.`my team` ILIKE 'o''%' OR NOT attributes.name IS NULL) AND params.k IN ('a', 'b')");
  });
});
