import type { Page } from '../core/page.ts';
import { listHeads, type DamagedItem, type StoreListOptions } from '../storage/list-heads.ts';
import type { AlertKind } from './alerts/alert-state.ts';
import type { MonitorState } from './monitor-state.ts';

/** An alert of a monitor that fires. */
export interface FiringAlert {
  /** What it is about. */
  readonly kind: AlertKind;
  /** The columns that it is about; none for `performance`, `concept`, `estimate` and `health`. */
  readonly columns: readonly string[];
  /** What was found last, in words. */
  readonly what: string;
  /** When the first window or period was judged that had reason to, epoch milliseconds. */
  readonly sinceAt: number;
  /** Id of the silence for which nobody was told; absent when somebody was. */
  readonly silenced?: string | undefined;
}

/** A monitor as it stands in a store. */
export interface MonitorInfo {
  /** Under which it is stored. */
  readonly name: string;
  /** Windows that were closed and judged so far. */
  readonly windows: number;
  /** The alerts that fire. */
  readonly firing: readonly FiringAlert[];
}

/** Part of a list of monitors; it may hold fewer than were asked for and still have a `next`. */
export interface MonitorPage extends Page<MonitorInfo> {
  /** Monitors of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedItem[];
}

/** A page of the monitors of a store. */
export async function listMonitors(options: StoreListOptions): Promise<MonitorPage> {
  const { items, ...more } = await listHeads<MonitorState>('monitors/', options);
  return { items: items.map(({ name, state }) => ({ name, windows: state.windows, firing: firingOf(state) })), ...more };
}

function firingOf({ alerts }: MonitorState): FiringAlert[] {
  return alerts.filter(({ told }) => told).map(({ kind, columns, what, sinceAt, silenced }) => ({ kind, columns, what, sinceAt, ...(silenced !== null && { silenced }) }));
}
