import type { Page } from '../../core/page.ts';
import { listHeads, type DamagedItem, type StoreListOptions } from '../../storage/list-heads.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import type { ExperimentState, ExperimentStop } from './experiment-state.ts';

/** A test as it stands in a store. */
export interface ABTestInfo {
  /** Under which it is stored. */
  readonly name: string;
  /** What it is, as all processes agree on it. */
  readonly definition: ExperimentDefinition;
  /** How it ended; absent while it runs. */
  readonly stopped?: ExperimentStop | undefined;
}

/** Part of a list of tests; it may hold fewer than were asked for and still have a `next`. */
export interface ABTestPage extends Page<ABTestInfo> {
  /** Tests of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedItem[];
}

/** A page of the tests of a store. */
export async function listTests(options: StoreListOptions): Promise<ABTestPage> {
  const { items, ...more } = await listHeads<ExperimentState>('experiments/', options);
  return { items: items.map(({ name, state: { definition, stopped } }) => ({ name, definition, ...(stopped && { stopped }) })), ...more };
}
