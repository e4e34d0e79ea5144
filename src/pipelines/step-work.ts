import type { ItemContext } from './map-step.ts';
import type { StepContext } from './step.ts';

/** What work is given: an `ItemContext` when it is that of the items of a map, and a `StepContext` when there is no `Item`. */
export type WorkContext<Inputs, Params, Item = never> = [Item] extends [never] ? StepContext<Inputs, Params> : ItemContext<Inputs, Params, Item>;

/** The work of a step, or of the items of a map, that is always done by a promise. */
export type StepWork<Inputs, Params, Output, Item = never> = (context: WorkContext<Inputs, Params, Item>) => Promise<Output>;
