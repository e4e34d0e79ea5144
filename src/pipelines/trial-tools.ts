import { decode, encode } from '../core/codec.ts';
import { stableChance } from './retry.ts';
import type { RunHost } from './run-host.ts';
import type { RunHead } from './run-store.ts';
import { stepTools } from './step-tools.ts';
import type { TrialParts } from './trial.ts';

/**
 * What the attempts of a run are made with in this process, their inputs apart.
 *
 * @param fence - Tells who makes an attempt from those who made the same before.
 */
export function trialTools(host: RunHost, head: RunHead, fence: number = head.fence): Omit<TrialParts, 'outputs' | 'cache' | 'onWork'> {
  const { store, clock, random, graceMs, onError } = host;
  const params = head.params === undefined ? undefined : encode(head.params);
  return {
    head,
    store,
    clock,
    graceMs,
    params: () => params && decode(params, head.id),
    tools: (attempt) => stepTools(host, head, attempt),
    heartbeat: async (attempt, limitMs, lasts) => {
      const { Heartbeat } = await import('./heartbeats/heartbeat.ts');
      const author = { round: head.round, attempt: attempt.attempt, fence };
      return Heartbeat.begin({ storage: store.storage, key: store.heartbeatKey(head.id, attempt), step: attempt.step, limitMs, author, lasts, clock, onError });
    },
    chance: (unit, attempt) => random?.() ?? stableChance(head.id, unit, attempt),
  };
}
