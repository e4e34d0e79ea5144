import { html, type Html } from '../../report/markup/html.ts';

/** Which facts are put in a line: so many of them, and none with more characters. */
export interface FactLineOptions {
  readonly most?: number;
  readonly longest?: number;
}

/** Facts in a line, such as "goal maximize, min 0.75". */
export interface FactLine {
  readonly line: Html;
  /** The names of those that do not fit in. */
  readonly others: readonly string[];
}

/** Those of some facts that are short, name before value. */
export function factLine(facts: Readonly<Record<string, unknown>>, value: (value: unknown) => string, { most = Infinity, longest = 60 }: FactLineOptions = {}): FactLine {
  const known = Object.entries(facts).filter(([, each]) => each !== undefined);
  const short = known.flatMap(([name, each]) => {
    const text = textOf(each, value);
    return text === undefined || text.length > longest ? [] : [{ name, text }];
  });
  const shown = short.slice(0, most);
  const names = new Set(shown.map(({ name }) => name));
  const line = html`${shown.map(({ name, text }, i) => html`${i > 0 && ', '}<bdi>${name}</bdi> <bdi>${text}</bdi>`)}`;
  return { line, others: known.map(([name]) => name).filter((name) => !names.has(name)) };
}

function textOf(fact: unknown, value: (value: unknown) => string): string | undefined {
  // Numbers that count or name something are of use to the last digit.
  if (Number.isInteger(fact)) return String(fact);
  if (typeof fact !== 'object' || fact === null) return value(fact);
  return Array.isArray(fact) && fact.length > 0 && fact.every((each) => typeof each !== 'object') ? fact.map(value).join(' ') : undefined;
}
