import type { RegistryEvent } from 'modelkeep';
import { forgetVersion, moveToStage, rollBackTo, type StageState } from '../../src/registry/stages.ts';

/** The stages that the events of a history lead to, worked out from them alone. */
export function replayed(history: readonly RegistryEvent[]): StageState {
  let state: StageState = { archived: new Uint8Array(0), previous: [] };
  for (const event of history) {
    if (event.type === 'stage-changed') state = moveToStage(state, event.data.version, event.data.to)!.state;
    if (event.type === 'rolled-back') state = rollBackTo(state, event.data.version)!.state;
    if (event.type === 'version-retired') state = forgetVersion(moveToStage(state, event.data.version, 'archived')?.state ?? state, event.data.version);
    if (event.type === 'version-deleted') state = forgetVersion(state, event.data.version);
  }
  return state;
}
