import { canonicalJson } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import type { Applied } from './apply-definitions.ts';
import type { EntityState } from './definition-states.ts';
import type { Entity } from './entity.ts';

/** What an entity makes of what is stored under its name: another key breaks the views that are of it. */
export function nextEntity(entity: Entity): (state: EntityState | undefined, now: number) => Applied<EntityState> {
  const digest = digestOf(canonicalJson(entity));
  return (state, now) => {
    const last = state?.versions.at(-1);
    if (last?.digest === digest) return { version: last.version, digest, change: 'unchanged', differences: [] };
    const [before, after] = [last && canonicalJson(last.definition.keys), canonicalJson(entity.keys)];
    const differences = before === undefined || before === after ? [] : [`its keys were ${before} and would be ${after}`];
    const version = (state?.versions.length ?? 0) + 1;
    const change = last === undefined ? 'created' : differences.length > 0 ? 'forced' : 'extended';
    return { state: { versions: [...(state?.versions ?? []), { version, digest, at: now, definition: entity }] }, version, digest, change, differences };
  };
}
