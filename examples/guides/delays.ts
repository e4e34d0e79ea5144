import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { checkSuite, FeatureStore, featureView, MemoryStorage } from 'modelkeep';

// What the pieces of the guides about features stand on.
export const view = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
const airportDelays = featureView({ name: 'airport_delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
export const store = new FeatureStore({ storage: new MemoryStorage() });
await store.apply([view, airportDelays, checkSuite({ name: 'delay_rows', errors: { columns: { delay: { min: -120, max: 3000 } } } })]);

const landed = new Date(Date.now() - 60_000).toISOString();
const [atlanta, chicago, wrong] = [{ origin: 'ATL', landed, delay: 12 }, { origin: 'ORD', landed, delay: 34 }, { origin: 'ATL', landed, delay: 99_999 }];
await store.ingest(airportDelays, [atlanta, chicago], { online: true });
await store.ingest(view, [atlanta, chicago, wrong], { batchId: 'may', validate: 'delay_rows', onInvalid: 'quarantine' });

/** A Parquet file of two rows, (ATL, 10:00, 7, DL) and (JFK, 11:00, 21, B6). */
const flights =
  'UEFSMRUGFSAVJFwVBBUAFQQVABUEFQAAAAMDDjQDAAAAQVRMAwAAAEpGSxUGFSQVKFwVBBUAFQQVABUEFQAAAAMDEDwAwZgzjwEAAICvzzOPAQAAFQYVJBUkXBUEFQAVBBUAFQQVAAAAAwMQAAAFASQcQAAAAAAAADVAFQYVHBUgXBUEFQAVBBUAFQQVAAAAAwMMLAIAAABETAIAAABCNhUEGVxIBHJvb3QVCAAVDCUCGAZvcmlnaW4l' +
  'AAAVBCUCGAZsYW5kZWQlEgAVCiUCGAVkZWxheQAVDCUCGAdjYXJyaWVyJQAAFgQZHBlMJggcFQwZFQAZGAZvcmlnaW4VAhYEFkoWTiYIAAAmVhwVBBkVABkYBmxhbmRlZBUCFgQWThZSJlYAACaoARwVChkVABkYBWRlbGF5FQIWBBZOFk4mqAEAACb2ARwVDBkVABkYB2NhcnJpZXIVAhYEFkYWSib2AQAAFqwCFgQ2uAIAKAloeXBhcnF1ZXQZTBwAABwA' +
  'ABwAABwAAADoAAAAUEFSMQ==';
await writeFile('flights.parquet', Buffer.from(flights, 'base64'));
await writeFile('delays.csv.gz', gzipSync('origin,landed,delay\nATL,2024-05-01T08:00:00Z,3\nORD,2024-05-01T09:00:00Z,soon\n'));
