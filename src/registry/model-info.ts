import type { Policy } from './gates.ts';
import { latestVersion, type ModelState } from './model-state.ts';

/** A model as it stands. */
export interface ModelInfo {
  /** In Unicode's composed form (NFC). */
  readonly name: string;
  /** What it tells, for people. */
  readonly description?: string | undefined;
  /** Who answers for it. */
  readonly owner?: string | undefined;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The number of the newest version that is in use, 0 while there is none. */
  readonly latest: number;
  /** The version in production. */
  readonly production?: number | undefined;
  /** The version in staging. */
  readonly staging?: number | undefined;
  /** Versions by alias. */
  readonly aliases: Readonly<Record<string, number>>;
  /** The version that `rollback` would bring back. */
  readonly rollbackTo?: number | undefined;
  /** The gates before its stages. */
  readonly policy: Policy;
}

/** A model as callers see it. */
export function describeModel(state: ModelState): ModelInfo {
  const { name, description, owner, tags, createdAt, stages, aliases, policy } = state;
  const { production, staging, previous } = stages;
  return { name, description, owner, tags, createdAt, latest: latestVersion(state), production, staging, aliases, rollbackTo: previous.at(-1), policy };
}
