/** A sample of a family that was read. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A family that was read. */
export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: ParsedSample[];
}

/**
 * Reads the text format 0.0.4 of Prometheus as its documentation has it (prometheus.io, "Exposition formats") and refuses everything that it forbids: a family twice, samples before their TYPE or of another
 * family in between, a sample twice, wrong escapes, histograms that do not add up, a missing last line feed.
 */
export function parsePrometheus(text: string): Map<string, ParsedFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('The last line does not end with a line feed.');
  if (text.includes('\r')) throw new Error('Lines end with a line feed alone.');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let current: string | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      help = { name: comment[2]!, text: unescape(comment[3]!, /\\[\\n]/g, 'help') };
    } else if (comment) {
      const name = comment[2]!;
      if (help?.name !== name) throw new Error(`${name} has its TYPE without the HELP before it.`);
      if (families.has(name)) throw new Error(`${name} stands there twice.`);
      if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(comment[3]!)) throw new Error(`${name} is a ${comment[3]!}.`);
      families.set(name, { help: help.text, type: comment[3]!, samples: [] });
      current = name;
    } else {
      const sample = parseSample(line);
      const family = current === undefined ? undefined : families.get(current);
      const suffix = current !== undefined && sample.name.startsWith(current) ? sample.name.slice(current.length) : undefined;
      if (!family || !(family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).includes(suffix ?? '?')) throw new Error(`${line} stands outside of its family.`);
      const identity = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(identity)) throw new Error(`${line} stands there twice.`);
      seen.add(identity);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

/** The value of the one sample of these labels; 0 where there is none. */
export function valueOf(families: Map<string, ParsedFamily>, family: string, labels: Readonly<Record<string, string>>, name: string = family): number {
  const found = families.get(family)?.samples.filter((sample) => sample.name === name && Object.entries(labels).every(([label, of]) => sample.labels[label] === of)) ?? [];
  if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} is not one sample but ${found.length}.`);
  return found[0]?.value ?? 0;
}

function parseSample(line: string): ParsedSample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`${line} is no sample.`);
  const labels: Record<string, string> = {};
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (let label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|(?=\}))/.exec(rest); label; label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|(?=\}))/.exec(rest)) {
      if (Object.hasOwn(labels, label[1]!)) throw new Error(`${line} has ${label[1]!} twice.`);
      labels[label[1]!] = unescape(label[2]!, /\\[\\n"]/g, line);
      rest = rest.slice(label[0].length);
    }
    if (!rest.startsWith('}')) throw new Error(`${line} has labels that are none.`);
    rest = rest.slice(1);
  }
  const value = /^ (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`${line} has no value.`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

function unescape(text: string, escapes: RegExp, where: string): string {
  if (text.replace(escapes, '').includes('\\')) throw new Error(`${where} has an escape that is none.`);
  return text.replace(escapes, (escape) => (escape === '\\n' ? '\n' : escape[1]!));
}

function checkFamily(name: string, { type, samples }: ParsedFamily): void {
  if (samples.length === 0) throw new Error(`${name} has no sample.`);
  if (type === 'counter' && (!name.endsWith('_total') || samples.some(({ value }) => !(value >= 0)))) throw new Error(`${name} is no counter.`);
  if (type !== 'histogram') return;
  const groups = groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(Object.entries(labels).sort()));
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels['le']!.replace('Inf', 'Infinity')));
    if (bounds.at(-1) !== Infinity || bounds.some((bound, b) => b > 0 && !(bound > bounds[b - 1]!))) throw new Error(`${name} has bounds ${bounds.join(', ')}.`);
    if (buckets.some(({ value }, b) => b > 0 && value < buckets[b - 1]!.value)) throw new Error(`${name} has buckets that are not cumulative.`);
    const count = group.filter((sample) => sample.name === `${name}_count`);
    const sum = group.filter((sample) => sample.name === `${name}_sum`);
    if (count.length !== 1 || sum.length !== 1 || count[0]!.value !== buckets.at(-1)!.value) throw new Error(`${name} does not add up.`);
  }
}

// Map.groupBy is younger than the oldest Node that runs the tests.
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
