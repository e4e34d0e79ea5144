import { html, type HtmlValue } from '../../report/markup/html.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import { nameText } from '../page/table.ts';
import type { Formats } from '../page/formats.ts';

/** A column of a list of runs that has a value of theirs. */
export interface RunColumn {
  readonly kind: 'metric' | 'param' | 'tag';
  readonly name: string;
}

/** How many metrics, and how many params, a list has when nobody chose. */
const usual = 4;

const folders: Readonly<Record<RunColumn['kind'], 'metrics' | 'params' | 'tags'>> = { metric: 'metrics', param: 'params', tag: 'tags' };

/** A column as an address has it, such as `metrics.val/auc`. */
export function columnText({ kind, name }: RunColumn): string {
  return `${folders[kind]}.${name}`;
}

/** The columns of an address; what is none is left out. */
export function columnsOf(texts: readonly string[]): readonly RunColumn[] {
  return texts.flatMap((text) => {
    const kind = (['metric', 'param', 'tag'] as const).find((each) => text.startsWith(`${folders[each]}.`));
    return kind === undefined ? [] : [{ kind, name: text.slice(folders[kind].length + 1) }];
  });
}

/** The params and metrics that most of some runs have, as far as there is space: first the params that tell the runs apart. */
export function usualColumns(runs: readonly RunRecord[]): readonly RunColumn[] {
  return [...mostFrequent(runs, 'param'), ...mostFrequent(runs, 'metric')];
}

/** The value of a run in a column. */
export function cellOf(run: RunRecord, { kind, name }: RunColumn, formats: Formats): HtmlValue {
  if (!Object.hasOwn(run[folders[kind]], name)) return '–';
  if (kind === 'metric') return formats.number(run.metrics[name]!.value);
  const text = formats.value(kind === 'tag' ? run.tags[name] : run.params[name]);
  return text.length > 60 ? html`<span class="name" title="${text}"><bdi>${text.slice(0, 57)}…</bdi></span>` : nameText(text);
}

function mostFrequent(runs: readonly RunRecord[], kind: 'metric' | 'param'): RunColumn[] {
  const found = new Map<string, { runs: number; values: Set<string> }>();
  for (const run of runs) {
    for (const [name, value] of Object.entries(run[folders[kind]])) {
      // The load of the host is beside the point in a list.
      if (kind === 'metric' && name.startsWith('system/')) continue;
      const known = found.get(name) ?? { runs: 0, values: new Set() };
      known.runs++;
      if (kind === 'param' && known.values.size < 2) known.values.add(JSON.stringify(value) ?? '');
      found.set(name, known);
    }
  }
  const score = ({ runs: count, values }: { runs: number; values: Set<string> }): number => count + (values.size > 1 ? 1e6 : 0);
  return [...found].sort(([a, x], [b, y]) => score(y) - score(x) || (a < b ? -1 : 1)).slice(0, usual).map(([name]) => ({ kind, name }));
}
