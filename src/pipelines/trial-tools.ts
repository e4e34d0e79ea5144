import { decode, encode } from '../core/codec.ts';
import { stableChance } from './retry.ts';
import type { RunHost } from './run-host.ts';
import type { RunHead } from './run-store.ts';
import { stepTools } from './step-tools.ts';
import type { TrialParts } from './trial.ts';

/** What the attempts of a run are made with in this process, their inputs apart. */
export function trialTools(host: RunHost, head: RunHead): Omit<TrialParts, 'outputs' | 'cache' | 'onWork'> {
  const { store, clock, random, graceMs } = host;
  const params = head.params === undefined ? undefined : encode(head.params);
  return {
    head,
    store,
    clock,
    graceMs,
    params: () => params && decode(params, head.id),
    tools: (attempt) => stepTools(host, head, attempt),
    chance: (unit, attempt) => random?.() ?? stableChance(head.id, unit, attempt),
  };
}
