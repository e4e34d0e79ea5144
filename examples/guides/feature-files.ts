import { store, view } from './delays.ts';
// #region files
import * as parquet from 'hyparquet';
import { openAsBlob } from 'node:fs';
import { csvTables, parquetTables, sourceFile } from 'modelkeep/interchange';

const delays = csvTables(sourceFile('delays.csv', await openAsBlob('delays.csv.gz')), { types: view });
console.log(await store.ingest(view, delays, { onInvalid: 'quarantine' })); // { rows: 1, known: 0, quarantined: 1, batches: 1 }
const flights = parquetTables(await openAsBlob('flights.parquet'), { parquet, columns: ['origin', 'landed', 'delay'] });
console.log(await store.ingest(view, flights)); // { rows: 2, known: 0, quarantined: 0, batches: 1 }
// #endregion files
