import { systemClock } from '../core/clock.ts';
import { FeatureStore } from '../features/feature-store.ts';
import { Registry } from '../registry/registry.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { Tracker } from '../tracking/tracker.ts';
import { Analyses } from './analyses.ts';
import type { UiStore } from './call.ts';
import { Histories } from './histories.ts';
import type { CheckedUiOptions } from './ui-options.ts';

/** What pages read a store by. */
export function uiStore(storage: StorageAdapter, { clock = systemClock, gates }: Pick<CheckedUiOptions, 'clock' | 'gates'>): UiStore {
  // What cannot be read is told on the page that leaves it out.
  const onError = (): void => undefined;
  return { storage, clock, tracker: new Tracker({ storage, clock, onError }), registry: new Registry({ storage, clock, gates, onError }), features: new FeatureStore({ storage, clock }), histories: new Histories(storage), analyses: new Analyses(storage, clock) };
}
