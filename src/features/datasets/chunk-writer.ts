import { hasObjects, type Column } from '../../core/column.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { concatTables, type Table } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { rowsPerBatch, sliceTable } from '../batch.ts';
import { withoutSpareTexts } from '../spare-texts.ts';
import { encodeChunk, storeChunk, type ChunkRef } from './dataset-chunk.ts';

const maxChunkRows = 2 ** 17;

/** Writes tables of the same columns, one after the other, as chunks of some megabytes: never more than one of them is held. */
export class ChunkWriter {
  readonly #storage: StorageAdapter;
  readonly #options: OperationOptions;
  readonly #chunks: ChunkRef[] = [];
  #waiting: Table[] = [];
  #waitingRows = 0;
  #chunkRows = maxChunkRows;

  constructor(storage: StorageAdapter, options: OperationOptions) {
    this.#storage = storage;
    this.#options = { signal: options.signal };
  }

  /** Takes the next rows. */
  async add(table: Table): Promise<void> {
    if (table.rowCount === 0) return;
    this.#chunkRows = Math.min(maxChunkRows, rowsPerBatch(Object.values(table.columns).map(({ type }) => type)));
    this.#waiting.push(table);
    this.#waitingRows += table.rowCount;
    while (this.#waitingRows >= this.#chunkRows) await this.#flush(this.#chunkRows);
  }

  /** Writes what is left; what points at all chunks, in order. */
  async finish(): Promise<readonly ChunkRef[]> {
    if (this.#waitingRows > 0) await this.#flush(this.#waitingRows);
    return this.#chunks;
  }

  async #flush(rows: number): Promise<void> {
    const table = concatTables(this.#waiting);
    await this.#write(sliceTable(table, 0, rows));
    this.#waiting = rows === table.rowCount ? [] : [sliceTable(table, rows, table.rowCount)];
    this.#waitingRows = table.rowCount - rows;
  }

  async #write(table: Table): Promise<void> {
    const tidied = tidy(table);
    const chunk = encodeChunk(tidied);
    if (chunk === undefined) {
      const half = table.rowCount >>> 1;
      await this.#write(sliceTable(table, 0, half));
      await this.#write(sliceTable(table, half, table.rowCount));
    } else this.#chunks.push(await storeChunk(this.#storage, table.rowCount, chunk, this.#options));
  }
}

/** The table with nothing in it that no row has: no text of other rows, no number behind a missing value, no mask where none is missing. */
function tidy(table: Table): Table {
  return { rowCount: table.rowCount, columns: Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, tidyColumn(column)])) };
}

function tidyColumn(column: Column): Column {
  const tidied = withoutSpareTexts(column);
  const { valid } = tidied;
  if (valid === undefined) return tidied;
  if (!valid.includes(0)) return { ...tidied, valid: undefined };
  if (tidied.type === 'string') return tidied;
  if (hasObjects(tidied)) return { ...tidied, values: tidied.values.map((value, i) => (valid[i] === 1 ? value : null)) } as Column;
  const values = tidied.values.slice() as Float64Array;
  const missing = (tidied.type === 'int64' ? 0n : tidied.type === 'bool' ? 0 : NaN) as number;
  for (let i = 0; i < values.length; i++) if (valid[i] === 0) values[i] = missing;
  return { ...tidied, values } as Column;
}
