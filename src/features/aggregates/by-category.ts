import { isPresent, valueAt, type Column } from '../../core/column.ts';
import { EventIndex } from '../event-index.ts';
import type { Probes } from '../probe-sweep.ts';

/** Rows told apart by a category as well as by their key. */
export interface CategoryIndex {
  /** The index by key and category: rows without a category are in none. */
  readonly index: EventIndex;
  /** The codes of each key's categories begin here, with the end of the last as one more. */
  readonly starts: Int32Array;
  /** The category of each code, as text; ascending for each key. */
  readonly categories: readonly string[];
  readonly byteLength: number;
}

/** The rows of an index told apart by the values of a column, too; made once and kept with the index. */
export function categoryIndex(index: EventIndex, name: string): CategoryIndex {
  return index.derived(`by ${name}`, () => split(index, name));
}

function split(index: EventIndex, name: string): CategoryIndex {
  const column = index.column(name);
  const keyCount = index.starts.length - 1;
  const codes = new Int32Array(index.times.length).fill(-1);
  const starts = new Int32Array(keyCount + 1);
  const categories: string[] = [];
  for (let key = 0; key < keyCount; key++) {
    const found = new Map<string, number>();
    const textAt = (place: number): string | undefined => (column !== undefined && isPresent(column, place) ? String(valueAt(column, place)) : undefined);
    for (let place = index.starts[key]!; place < index.starts[key + 1]!; place++) {
      const text = textAt(place);
      if (text !== undefined) found.set(text, 0);
    }
    for (const text of [...found.keys()].sort()) {
      found.set(text, categories.length);
      categories.push(text);
    }
    for (let place = index.starts[key]!; place < index.starts[key + 1]!; place++) {
      const text = textAt(place);
      if (text !== undefined) codes[place] = found.get(text)!;
    }
    starts[key + 1] = categories.length;
  }
  const parts = new EventIndex({ codes, keyCount: categories.length, times: index.times, created: undefined, known: index.created, supersededAt: index.supersededAt, columns: index });
  return { index: parts, starts, categories, get byteLength() { return parts.byteLength + categories.length * 40; } };
}

/** A probe for each category of each probe's key. */
export function categoryProbes({ starts }: CategoryIndex, probes: Probes): { probes: Probes; owners: Int32Array } {
  const counts = Array.from(probes.codes, (key) => (key < 0 ? 0 : starts[key + 1]! - starts[key]!));
  const size = counts.reduce((sum, count) => sum + count, 0);
  const codes = new Int32Array(size);
  const times = new Float64Array(size);
  const owners = new Int32Array(size);
  let at = 0;
  for (const [probe, count] of counts.entries()) {
    for (let c = 0; c < count; c++, at++) {
      codes[at] = starts[probes.codes[probe]!]! + c;
      times[at] = probes.times[probe]!;
      owners[at] = probe;
    }
  }
  return { probes: { codes, times }, owners };
}

/** For each of `size` probes an object with the results of its categories, those that are missing left out; missing where all are. */
export function byCategory({ categories }: CategoryIndex, codes: Int32Array, owners: Int32Array, results: Column, size: number): Column {
  const entries: [string, unknown][][] = Array.from({ length: size }, () => []);
  for (const [i, owner] of owners.entries()) if (isPresent(results, i)) entries[owner]!.push([categories[codes[i]!]!, valueAt(results, i)]);
  const valid = Uint8Array.from(entries, (each) => (each.length > 0 ? 1 : 0));
  return { type: 'json', values: entries.map((each) => (each.length > 0 ? Object.fromEntries(each) : null)), valid };
}
