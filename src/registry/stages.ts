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
export function rollBack(state: StageState): StageMove | undefined {
  const version = state.previous.at(-1);
  if (version === undefined) return undefined;
  const from = stageOf(state, version);
  const replaced = state.production;
  const previous = state.previous.slice(0, -1);
  return { state: { ...place(vacate(state, replaced), version, 'production'), previous }, version, from, to: 'production', replaced };
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
  return { ...state, production: holder('production'), staging: holder('staging'), archived: withMember(state.archived, version, stage === 'archived') };
}
