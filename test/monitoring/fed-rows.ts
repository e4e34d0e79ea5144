import { profileData, type DataProfile, type DriftMonitor } from 'modelkeep';

/** What is observed by feeders of one monitor, the same in every process and page: whole numbers, so that sums do not depend on their order. */
export interface FedRow {
  readonly distance: number;
  readonly carrier: string;
}

/** What all of them compare with. */
export const fedReference: DataProfile = profileData(Array.from({ length: 2000 }, (_, i) => rowOf(i, 0)), { kinds: { carrier: 'category' } });

/** The first rows of a feeder, who counts its rows from 0; those of different feeders differ. */
export function fedRows(feeder: number, count: number): FedRow[] {
  return Array.from({ length: count }, (_, i) => rowOf(i, feeder));
}

/** Rows that are stored together. */
export const fedBatch = 10;

/** Observes a feeder's rows from the `stored`th on and stores them: gives how many there are then. */
export async function feedBatch(monitor: DriftMonitor, feeder: number, stored: number): Promise<number> {
  for (let i = 0; i < fedBatch; i++) monitor.observe({ version: `feeder-${feeder}`, features: { ...rowOf(stored + i, feeder) } });
  await monitor.flush();
  return stored + fedBatch;
}

function rowOf(i: number, feeder: number): FedRow {
  return { distance: (i * (7 + 2 * feeder)) % 500, carrier: 'abcde'[(i * i + feeder) % 5]! };
}
