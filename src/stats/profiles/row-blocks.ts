import { isPresent, valueAt, type Column } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Table } from '../../core/table.ts';
import { demandOptions, demandWhole } from '../arguments.ts';
import { shown } from '../../core/shown.ts';
import { categoryOf } from './read-column.ts';

/** Which rows belong together, when rows are not independent. Give one of `rows` and `column`. */
export interface BlockOptions {
  /** Each run of this many rows, in their order, is a block: for rows in the order of time. What is left over joins the last one. @default undefined */
  rows?: number | undefined;
  /** Rows with the same value in this column are a block: for users, sessions or sensors. Rows without a value are each a block of their own. @default undefined */
  column?: string | undefined;
  /** Random reassignments of the blocks to the sides, at least 99; each costs a step for every bin that a block has rows in. @default 999, or 2 · columns / alpha where that is more */
  resamples?: number | undefined;
  /** The seed of the reassignments, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** The block of every row of a table. */
export interface RowBlocks {
  readonly of: Uint32Array;
  readonly count: number;
}

/** Checks what is said of blocks. */
export function checkBlocks(blocks: BlockOptions): BlockOptions {
  const { rows, column, resamples, seed } = demandOptions(blocks, 'options.blocks');
  if ((rows === undefined) === (column === undefined)) {
    throw new ValidationError('options.blocks must have one of rows and column, such as { rows: 100 } or { column: "user" }.', { path: 'options.blocks' });
  }
  if (rows !== undefined) demandWhole('options.blocks.rows', rows, 1);
  if (column !== undefined && typeof column !== 'string') throw new ValidationError(`options.blocks.column is ${shown(column, 60)}; it must be the name of a column.`, { path: 'options.blocks.column' });
  if (resamples !== undefined) demandWhole('options.blocks.resamples', resamples, 99, 10_000_000);
  if (seed !== undefined) demandWhole('options.blocks.seed', seed, 0, 2 ** 32 - 1);
  return blocks;
}

/** The blocks of one side. */
export function blocksOf(table: Table, { rows, column }: BlockOptions, side: string): RowBlocks {
  if (rows !== undefined) {
    const count = Math.max(1, Math.floor(table.rowCount / rows));
    return { of: Uint32Array.from({ length: table.rowCount }, (_, i) => Math.min(count - 1, Math.floor(i / rows))), count: table.rowCount === 0 ? 0 : count };
  }
  if (!Object.hasOwn(table.columns, column!)) {
    throw new ValidationError(`options.blocks names column '${column}', which the ${side} does not have.`, { path: 'options.blocks.column' });
  }
  return blocksByValue(table.columns[column!]!);
}

function blocksByValue(column: Column): RowBlocks {
  const known = new Map<string, number>();
  const of = new Uint32Array(column.values.length);
  let count = 0;
  for (let i = 0; i < of.length; i++) {
    const value = isPresent(column, i) ? categoryOf(valueAt(column, i)) : undefined;
    const block = (value === undefined ? undefined : known.get(value)) ?? count++;
    if (value !== undefined) known.set(value, block);
    of[i] = block;
  }
  return { of, count };
}
