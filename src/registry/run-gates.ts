import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { runCustomGate, type GateFunction } from './custom-gate.ts';
import { measurementsOf } from './evaluation.ts';
import type { GateReport, GateResult } from './gate-report.ts';
import { comparisonOf, type GateDefinition, type MetricGate } from './gates.ts';
import { LoadedModel } from './loaded-model.ts';
import { decideMetricGate, type Opponent } from './metric-gate.ts';
import type { ModelState } from './model-state.ts';
import type { ModelStore } from './model-store.ts';
import { viewOf, type ModelVersion, type VersionRecord } from './model-version.ts';
import type { ExclusiveStage, Stage } from './stages.ts';

/** What gates are run with. */
export interface GateHost {
  readonly storage: StorageAdapter;
  readonly store: ModelStore;
  readonly clock: Clock;
  readonly functions: ReadonlyMap<string, GateFunction>;
}

/** Asks every gate before `stage`, one after the other, about a version as things are in `state`. */
export async function runGates(host: GateHost, state: ModelState, record: VersionRecord, stage: Stage, options: OperationOptions): Promise<GateReport> {
  const definitions = stage === 'production' || stage === 'staging' ? (state.policy[stage] ?? []) : [];
  const gates: GateResult[] = [];
  for (const definition of definitions) {
    throwIfAborted(options.signal, 'Checking the gates');
    gates.push(await runGate(host, definition, state, record, stage as ExclusiveStage, options));
  }
  throwIfAborted(options.signal, 'Checking the gates');
  return { model: state.name, version: record.version, stage, passed: gates.every((gate) => gate.passed), gates };
}

async function runGate(
  host: GateHost,
  definition: GateDefinition,
  state: ModelState,
  record: VersionRecord,
  stage: ExclusiveStage,
  options: OperationOptions,
): Promise<GateResult> {
  const version = viewOf(state.name, record, state.stages);
  switch (definition.gate) {
    case 'metric': {
      const measurements = measurementsOf(record, await host.store.evaluations(state, record.version, options));
      return decideMetricGate(definition, record.version, measurements, await opponentOf(host, definition, state, options));
    }
    case 'integrity':
      return checkIntegrity(host.storage, version, options);
    case 'custom':
      return runCustomGate(
        definition,
        host.functions.get(definition.name),
        { version, stage, load: async () => new LoadedModel(host.storage, version) },
        host.clock,
        options.signal,
      );
    default: {
      // A policy may come from a newer modelkeep: what is not understood does not let pass.
      const { gate } = definition as { gate: string };
      return { gate, name: gate, passed: false, reason: `this modelkeep does not know the gate ${shown(gate)}; update it to promote here`, evidence: {} };
    }
  }
}

async function opponentOf(host: GateHost, { notWorseThan }: MetricGate, state: ModelState, options: OperationOptions): Promise<Opponent | undefined> {
  if (notWorseThan === undefined) return undefined;
  const comparison = comparisonOf(notWorseThan);
  const number = typeof comparison === 'string' ? state.stages[comparison] : comparison;
  if (number === undefined) return { empty: `no version is in ${comparison}, so there is none to be worse than`, passes: true };
  const [record] = number <= state.lastVersion ? await host.store.versions(state, [number], options) : [];
  if (!record) return { empty: `version ${number}, to be compared with, does not exist`, passes: false };
  return { version: number, measurements: measurementsOf(record, await host.store.evaluations(state, number, options)) };
}

async function checkIntegrity(storage: StorageAdapter, version: ModelVersion, options: OperationOptions): Promise<GateResult> {
  const about = { gate: 'integrity', name: 'integrity' };
  const { digest, size, files } = version;
  try {
    const loaded = new LoadedModel(storage, version);
    for (const { path } of files) {
      const chunks = loaded.stream(path, options);
      while (!(await chunks.next()).done);
    }
  } catch (error) {
    if (!isModelkeepError(error, 'integrity')) throw error;
    return { ...about, passed: false, reason: error.message, evidence: { ...error.details } };
  }
  return { ...about, passed: true, reason: `${files.length === 1 ? 'the file has' : `all ${files.length} files have`} the bytes that were registered`, evidence: { digest, files: files.length, size } };
}
