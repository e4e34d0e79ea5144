import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { runCustomGate, type GateFunction } from './custom-gate.ts';
import { decideApprovalsGate } from './approvals-gate.ts';
import { standingApprovals } from './approval.ts';
import { decideDriftGate } from './drift-gate.ts';
import { measurementsOf, type Measurement } from './evaluation.ts';
import { decideFreshnessGate } from './freshness-gate.ts';
import type { GateReport, GateResult } from './gate-report.ts';
import { isKnownGate, opponentOf, type ComparisonGate, type GateDefinition } from './gate-definition.ts';
import { LoadedModel } from './loaded-model.ts';
import { decideMetricGate, type Opponent } from './metric-gate.ts';
import type { ModelState } from './model-state.ts';
import type { ModelStore } from './model-store.ts';
import { readPredictions } from './predictions.ts';
import { decideSignatureGate } from './signature-gate.ts';
import { decideSignedGate } from './signed-gate.ts';
import { decideSlicesGate } from './slices-gate.ts';
import { viewOf, type ModelVersion, type VersionRecord } from './model-version.ts';
import type { ExclusiveStage, Stage } from './stages.ts';
import { verifyFiles } from './verify-files.ts';

/** What gates are run with. */
export interface GateHost {
  readonly storage: StorageAdapter;
  readonly store: ModelStore;
  readonly clock: Clock;
  readonly functions: ReadonlyMap<string, GateFunction>;
}

/** What one decision is about: everything is as it was in `state`. */
interface Inquiry {
  readonly host: GateHost;
  readonly state: ModelState;
  readonly record: VersionRecord;
  readonly stage: ExclusiveStage;
  readonly options: OperationOptions;
  /** What was measured of a version, oldest first, read once; `undefined` when there is no such version. */
  readonly measured: (version: number) => Promise<readonly Measurement[] | undefined>;
}

/** Asks every gate before `stage`, one after the other, about a version as things are in `state`. */
export async function runGates(host: GateHost, state: ModelState, record: VersionRecord, stage: Stage, options: OperationOptions): Promise<GateReport> {
  const gates: GateResult[] = [];
  if (stage === 'production' || stage === 'staging') {
    const inquiry: Inquiry = { host, state, record, stage, options, measured: measurementReader(host.store, state, options) };
    for (const definition of state.policy[stage] ?? []) {
      throwIfAborted(options.signal, 'Checking the gates');
      gates.push(await runGate(definition, inquiry));
    }
    throwIfAborted(options.signal, 'Checking the gates');
  }
  return { model: state.name, version: record.version, stage, passed: gates.every((gate) => gate.passed), gates };
}

async function runGate(definition: GateDefinition, { host, state, record, stage, options, measured }: Inquiry): Promise<GateResult> {
  // A policy may come from a newer modelkeep: what is not understood, down to a single field, does not let pass.
  if (!isKnownGate(definition, state.name)) {
    const { gate } = definition as { gate: string };
    return { gate, name: gate, passed: false, reason: `this modelkeep does not know this form of the gate ${shown(gate)}; update it to promote here`, evidence: { definition } };
  }
  const version = viewOf(state, record);
  const own = async (): Promise<readonly Measurement[]> => (await measured(record.version)) ?? [];
  switch (definition.gate) {
    case 'metric':
      return decideMetricGate(definition, record.version, await own(), definition.notWorseThan === undefined ? undefined : await findOpponent(definition.notWorseThan, state, measured));
    case 'comparison':
      return brokenEvidence(definition, async () => {
        // Loaded where it is needed, with the statistics behind it.
        const { decideComparisonGate } = await import('./comparison-gate.ts');
        const opponent = await findOpponent(definition.against, state, measured);
        return decideComparisonGate(definition, record.version, await own(), opponent, (predictions) => readPredictions(host.storage, predictions, options));
      });
    case 'signature': {
      const other = opponentOf(definition.against);
      const number = typeof other === 'string' ? state.stages[other] : other;
      const [incumbent] = number === undefined ? [] : await host.store.versions(state, [number], options);
      return decideSignatureGate(definition, record, number, incumbent);
    }
    case 'slices':
      return decideSlicesGate(definition, await own());
    case 'freshness':
      return decideFreshnessGate(definition, record.createdAt, await own(), host.clock.now());
    case 'approvals':
      return decideApprovalsGate(definition, record.createdBy, standingApprovals(await host.store.approvals(state, record.version, options)));
    case 'drift':
      return decideDriftGate(definition, await own());
    case 'integrity':
      return checkIntegrity(host.storage, version, options);
    case 'signed':
      return decideSignedGate(definition, record, await host.store.signatures(state, record.version, options));
    case 'custom':
      return runCustomGate(
        definition,
        host.functions.get(definition.name),
        { version, stage, load: async () => new LoadedModel(host.storage, version) },
        host.clock,
        options.signal,
      );
  }
}

async function findOpponent(named: string, state: ModelState, measured: Inquiry['measured']): Promise<Opponent> {
  const comparison = opponentOf(named);
  const number = typeof comparison === 'string' ? state.stages[comparison] : comparison;
  if (number === undefined) return { empty: `no version is in ${comparison}, so there is none to be worse than`, passes: true };
  const measurements = await measured(number);
  return measurements ? { version: number, measurements } : { empty: `version ${number}, to be compared with, does not exist`, passes: false };
}

/** Evidence that is damaged or gone proves nothing: the gate fails and names it. */
async function brokenEvidence({ metric }: ComparisonGate, decide: () => Promise<GateResult>): Promise<GateResult> {
  try {
    return await decide();
  } catch (error) {
    if (!isModelkeepError(error, 'integrity')) throw error;
    return { gate: 'comparison', name: `comparison ${metric}`, passed: false, reason: error.message, evidence: { ...error.details } };
  }
}

function measurementReader(store: ModelStore, state: ModelState, options: OperationOptions): Inquiry['measured'] {
  const known = new Map<number, Promise<readonly Measurement[] | undefined>>();
  const read = async (version: number): Promise<readonly Measurement[] | undefined> => {
    const [record] = await store.versions(state, [version], options);
    return record && measurementsOf(record, await store.evaluations(state, version, options));
  };
  return (version) => {
    const measurements = known.get(version) ?? read(version);
    known.set(version, measurements);
    return measurements;
  };
}

async function checkIntegrity(storage: StorageAdapter, version: ModelVersion, options: OperationOptions): Promise<GateResult> {
  const about = { gate: 'integrity', name: 'integrity' };
  const { digest, size, files } = version;
  try {
    await verifyFiles(storage, version, Infinity, options);
  } catch (error) {
    if (!isModelkeepError(error, 'integrity')) throw error;
    return { ...about, passed: false, reason: error.message, evidence: { ...error.details } };
  }
  return { ...about, passed: true, reason: `${files.length === 1 ? 'the file has' : `all ${files.length} files have`} the bytes that were registered`, evidence: { digest, files: files.length, size } };
}
