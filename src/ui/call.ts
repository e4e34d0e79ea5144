import type { Clock } from '../core/clock.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import type { Registry } from '../registry/registry.ts';
import type { Tracker } from '../tracking/tracker.ts';
import type { Analyses } from './analyses.ts';
import type { Histories } from './histories.ts';
import type { Links } from './links.ts';
import type { Formats } from './page/formats.ts';
import type { Query } from './query.ts';
import type { CheckedLimits } from './ui-options.ts';
import type { Html } from '../report/markup/html.ts';

/** What all pages read from. */
export interface UiStore {
  readonly storage: StorageAdapter;
  readonly tracker: Tracker;
  readonly registry: Registry;
  readonly features: FeatureStore;
  readonly clock: Clock;
  readonly histories: Histories;
  readonly analyses: Analyses;
}

/** One request for a page. */
export interface UiCall {
  readonly store: UiStore;
  readonly query: Query;
  readonly links: Links;
  readonly formats: Formats;
  readonly limits: CheckedLimits;
  /** What a form of this reader has to send along; absent where nothing can be changed. */
  readonly writeToken?: string | undefined;
  /** The page is to be a file of its own, in which nothing can be chosen or asked for. */
  readonly exported?: true;
  /** Fires when the reader leaves. */
  readonly signal: AbortSignal;
}

/** What stands on a page. */
export interface UiPage {
  /** The heading of the page, and what the tab is called. */
  readonly title: string;
  /** The pages above, outermost first: where the reader is. */
  readonly trail: readonly { readonly title: string; readonly href: string }[];
  /** What stands under the heading. */
  readonly body: Html;
  /** Where to hear that the page is not what it was; absent for what does not change. */
  readonly live?: string | undefined;
}

/** Makes a page. */
export type UiPageMaker = (call: UiCall) => Promise<UiPage>;
