import type { AggregateDefinition, AggregateFunction } from '../aggregates/aggregate-definition.ts';
import type { Where } from '../definitions/condition.ts';
import { windowStart, type Window } from '../aggregates/window.ts';

/** What old rows are kept as for some aggregates, once they are no longer kept themselves. */
export interface TileSpec extends Pick<Window, 'window' | 'hop'> {
  /** Tells aggregates apart that need different tiles. */
  readonly key: string;
  /** Totals are added up; of `rows` those are kept that an answer can come from. */
  readonly kind: 'totals' | 'rows';
  /** One of the aggregates. */
  readonly definition: AggregateDefinition;
}

const totals: ReadonlySet<AggregateFunction> = /* @__PURE__ */ new Set<AggregateFunction>(['count', 'rate', 'share', 'sum', 'mean', 'ratio']);
const picked: ReadonlySet<AggregateFunction> = /* @__PURE__ */ new Set<AggregateFunction>(['min', 'max', 'first', 'last', 'firstK', 'lastK', 'distinctCount']);

/** Whether an aggregate is computed from counts and exact sums. */
export function isTotal(definition: AggregateDefinition): boolean {
  return totals.has(definition.function);
}

/** The {@link TileSpec.key} of an aggregate; `undefined` when it needs its rows, since its window may begin anywhere or its states cannot be merged without changing a bit. */
export function tileKeyOf(definition: AggregateDefinition): string | undefined {
  const { window, hop, column, over, where, by, k, approximate } = definition;
  if (window !== 'lifetime' && hop === 0) return undefined;
  const grid = window === 'lifetime' ? window : hop;
  const columns = [column, over].filter((name) => name !== undefined);
  if (isTotal(definition)) return storedName(JSON.stringify(['totals', grid, by ?? null]), columns, where);
  if (!picked.has(definition.function) || approximate) return undefined;
  return storedName(JSON.stringify([definition.function, grid, by ?? null, k ?? null]), columns, where);
}

/** It is stored in records: a tile of another name is another one. */
function storedName(what: string, columns: readonly string[], where: Where | undefined): string {
  return JSON.stringify([what, columns, where ?? null], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** The tiles that aggregates need: aggregates that differ in nothing but the length of their window share them. */
export function tileSpecsOf(definitions: readonly AggregateDefinition[]): TileSpec[] {
  const found = new Map<string, TileSpec>();
  for (const definition of definitions) {
    const key = tileKeyOf(definition);
    if (key === undefined) continue;
    const { window, hop } = definition;
    const known = found.get(key);
    if (known && (known.window === 'lifetime' || (window !== 'lifetime' && known.window >= window))) continue;
    found.set(key, { key, kind: isTotal(definition) ? 'totals' : 'rows', window, hop, definition });
  }
  return [...found.keys()].sort().map((key) => found.get(key)!);
}

/** Where the tile begins that a moment belongs to; a window that sees one moment of a tile sees all of it that is past. */
export function tileStart(time: number, { window, hop }: Pick<Window, 'window' | 'hop'>): number {
  return window === 'lifetime' ? -Infinity : Math.floor(time / hop) * hop;
}

/** Rows before this moment may be folded: those aggregates that need their rows no longer see them at `now` or later. */
export function foldHorizon(needingRows: readonly Pick<Window, 'window' | 'hop'>[], now: number): number {
  return needingRows.reduce((bound, window) => Math.min(bound, windowStart(now, window)), now);
}
