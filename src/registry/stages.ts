import { hasMember, withMember, type MemberSet } from './member-set.ts';

/**
 * Where a version stands. `production` and `staging` hold at most one version each; whoever takes the place sends the one before to `archived`. Every version
 * begins at `none`.
 */
export type Stage = 'none' | 'staging' | 'production' | 'archived';

/** All stages, in the order of a version's life. */
export const stages = ['none', 'staging', 'production', 'archived'] as const;

/** The stages that hold one version and so can be pointed at. */
export type ExclusiveStage = 'staging' | 'production';

/** How many steps rollback can go back: as many promotions to production are remembered, older ones are forgotten. */
const rollbackDepth = 100;

/** Which version stands where. */
export interface StageState {
  readonly production?: number | undefined;
  readonly staging?: number | undefined;
  readonly archived: MemberSet;
  /** The versions that have ever been in production, as far as it was written down. */
  readonly served?: MemberSet | undefined;
  /**
   * The versions that were replaced in production and that rollback goes back through, the next one last. Neighbours differ, and the last one is never the one
   * in production.
   */
  readonly previous: readonly number[];
}

/** What a change of stages did. */
export interface StageMove {
  readonly state: StageState;
  readonly version: number;
  readonly from: Stage;
  readonly to: Stage;
  /** The version that had to leave the place, for `archived`. */
  readonly replaced: number | undefined;
}

/** Where a version stands. */
export function stageOf(state: StageState, version: number): Stage {
  if (state.production === version) return 'production';
  if (state.staging === version) return 'staging';
  return hasMember(state.archived, version) ? 'archived' : 'none';
}

/** Moves a version to a stage; `undefined` when it stands there already. */
export function moveToStage(state: StageState, version: number, to: Stage): StageMove | undefined {
  const from = stageOf(state, version);
  if (from === to) return undefined;
  const replaced = to === 'production' || to === 'staging' ? state[to] : undefined;
  const previous = to === 'production' ? replacedLine(state, version) : state.previous;
  return { state: { ...place(vacate(state, replaced), version, to), previous }, version, from, to, replaced };
}

/**
 * Brings back the version that the present one replaced in production; `undefined` when there is none. Each call undoes one promotion further. A version that was
 * rolled back, or moved out of production by name, is not come back to.
 */
function rollBack(state: StageState): StageMove | undefined {
  const version = state.previous.at(-1);
  if (version === undefined) return undefined;
  const from = stageOf(state, version);
  const replaced = state.production;
  const previous = state.previous.slice(0, -1);
  return { state: { ...place(vacate(state, replaced), version, 'production'), previous }, version, from, to: 'production', replaced };
}

/**
 * Brings back a version that was in production before. What was replaced since is not come back to; a version that does not lie behind the present one is put before it, as a
 * promotion would. `undefined` when it is in production already.
 */
export function rollBackTo(state: StageState, version: number): StageMove | undefined {
  const at = state.previous.lastIndexOf(version);
  if (at >= 0) return rollBack({ ...state, previous: state.previous.slice(0, at + 1) });
  return moveToStage(state, version, 'production');
}

/** Whether a version was in production before. */
export function hasServed(state: StageState, version: number): boolean {
  return hasMember(state.served ?? new Uint8Array(0), version) || state.previous.includes(version);
}

/** Takes a version that stands in no exclusive stage out of what rollback goes back through. */
export function forgetVersion(state: StageState, version: number): StageState {
  const previous = state.previous.filter((each) => each !== version);
  // Those on either side of it may be neighbours now, and two reigns of one version in a row are one.
  const distinct = previous.filter((each, i) => each !== previous[i + 1]);
  return { ...state, previous: distinct.at(-1) === state.production ? distinct.slice(0, -1) : distinct };
}

function replacedLine(state: StageState, version: number): readonly number[] {
  if (state.production !== undefined) return [...state.previous, state.production].slice(-rollbackDepth);
  // Production stood empty and its last but one occupant comes back by name: it is no longer what lies behind.
  return state.previous.at(-1) === version ? state.previous.slice(0, -1) : state.previous;
}

function vacate(state: StageState, incumbent: number | undefined): StageState {
  return incumbent === undefined ? state : place(state, incumbent, 'archived');
}

function place(state: StageState, version: number, stage: Stage): StageState {
  const holder = (of: ExclusiveStage): number | undefined => (stage === of ? version : state[of] === version ? undefined : state[of]);
  const served = stage === 'production' ? { served: withMember(state.served ?? new Uint8Array(0), version, true) } : {};
  return { ...state, ...served, production: holder('production'), staging: holder('staging'), archived: withMember(state.archived, version, stage === 'archived') };
}
