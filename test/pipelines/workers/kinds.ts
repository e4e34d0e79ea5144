import { Pipeline, type PipelineEvent, type PipelineResult, type StepHandle, type StorageAdapter } from 'modelkeep';

/** Where steps of all kinds run. */
export interface KindsTerms {
  readonly storage: StorageAdapter;
  readonly executor?: 'workers' | undefined;
  /** Is told of the work of each step and item that begins. */
  readonly begun: (unit: string) => void;
  /** Is told of the events of the inner pipeline. */
  readonly onInner?: ((event: PipelineEvent) => void) | undefined;
}

/** Steps of all kinds, the same in every process that defines them. */
export interface Kinds {
  readonly inner: Pipeline;
  readonly outer: Pipeline;
  readonly handles: readonly StepHandle<unknown>[];
}

/** What somebody says about each step of the outer pipeline that asks; about those that are not named, nobody does. */
export const words: readonly { readonly step: string; readonly verdict: 'approve' | 'reject' | 'release'; readonly output?: readonly number[] | undefined }[] = [
  { step: 'approve', verdict: 'approve' },
  { step: 'decline', verdict: 'reject' },
  { step: 'mended', verdict: 'release', output: [0.2, 1, 0.9] },
  { step: 'as it is', verdict: 'release' },
  { step: 'refused', verdict: 'reject' },
];

/** Says one of these words. */
export function say({ outer }: Kinds, run: string, { step, verdict, output }: (typeof words)[number]): Promise<void> {
  const by = 'ada';
  if (verdict === 'release') return outer.release(run, step, { by, ...(output && { output }) });
  return verdict === 'approve' ? outer.approve(run, step, { by }) : outer.reject(run, step, { by });
}

export function kinds({ storage, executor, begun, onInner }: KindsTerms): Kinds {
  const common = { storage, executor, lease: '2s', grace: '1s' } as const;
  const told = <T>({ pipeline, step, index, attempt }: { readonly pipeline: string; readonly step: string; readonly index?: number | undefined; readonly attempt: number }, value: T): T => {
    begun(`${pipeline} ${step} ${index ?? '-'} ${attempt}`);
    return value;
  };
  const inner = new Pipeline({ name: 'inner', ...common });
  const fitted = inner.step('fit', {}, ({ run }) => told(run, 21));
  const agreed = inner.approval('agree', { needs: { fitted }, ask: ({ inputs }) => `Go on with ${inputs.fitted}?` });
  const doubled = inner.step('double', { needs: { fitted, agreed } }, ({ inputs, run }) => told(run, `${inputs.fitted * 2} by ${inputs.agreed.by}`));

  const outer = new Pipeline({ name: 'outer', ...common });
  const rows = outer.step('ingest', {}, ({ run }) => told(run, { weights: new Float64Array(5_000).fill(2), names: ['a', 'b'] }));
  const passes = outer.gate('passes', { needs: { rows } }, ({ inputs, run }) => told(run, inputs.rows.weights.length === 5_000));
  const warns = outer.gate('warns', { needs: { rows } }, ({ inputs, run }) => told(run, [{ name: 'names', passed: false, severity: 'warning' as const, actual: inputs.rows.names.length, expected: 3 }]));
  const blocks = outer.gate('blocks', { needs: { rows }, allowFailure: true }, ({ inputs, run }) => told(run, [{ name: 'names', passed: false, actual: inputs.rows.names.length, expected: 3 }]));
  const blocked = outer.step('blocked', { after: [blocks], allowFailure: true }, ({ run }) => told(run, 'past the gate'));
  const squares = outer.map('square', { needs: { rows }, after: [passes, warns], over: [1, 2, 3, 4, 5], retries: { limit: 2, backoff: '5ms', jitter: 0 } }, ({ item, inputs, run }) => {
    told(run, undefined);
    if (run.attempt < item - 2) throw new Error(`attempt ${run.attempt} at ${item}`);
    return item * item * inputs.rows.weights[4_999]!;
  });
  const nested = outer.step('nested', { after: [passes] }, inner.asStep({ output: (result) => result.output(doubled), ...(onInner && { onEvent: onInner }) }));
  const rested = outer.sleep('rest', { after: [rows], for: '20ms' });
  const approved = outer.approval('approve', { needs: { rows }, after: [rested], ask: ({ inputs }) => `Go on with ${inputs.rows.names.join()}?` });
  const declined = outer.approval('decline', { ask: () => 'Decline?', allowFailure: true });
  const late = outer.approval('late', { ask: () => 'In time?', expires: '30ms', allowFailure: true });
  const lenient = outer.approval('lenient', { ask: () => 'In time?', expires: '30ms', onExpiry: 'approve' });
  const aside = (name: string, reasons: string[], allowFailure = false): StepHandle<number[]> => outer.quarantine(name, { allowFailure }, ({ run }) => told(run, { output: [0.2, 1.4, 0.9], reasons }));
  const clean = aside('clean', []);
  const set = [aside('mended', ['1 of 3 is above 1']), aside('as it is', ['2 of 3 are below 1']), aside('refused', ['all are above 0'], true)] as const;
  const [mended, asItIs, refused] = set;
  const needs = { squares, nested, approved, declined, late, lenient, clean, mended, asItIs, refused, blocked };
  const report = outer.step('report', { needs, trigger: 'all_done' }, ({ inputs, states, run }) => told(run, { ...inputs, states: Object.fromEntries(Object.entries(states).map(([name, { status }]) => [name, status])) }));
  const end = outer.finally('end', { needs: { report } }, ({ inputs, run }) => told(run, inputs.report?.squares));
  const handles: StepHandle<unknown>[] = [rows, passes, warns, blocks, blocked, squares, nested, rested, approved, declined, late, lenient, clean, ...set, report, end];
  return { inner, outer, handles };
}

/** What a run came to, without what is another in each: ids and times. */
export function endOf({ handles }: Kinds, result: PipelineResult): unknown {
  const steps = handles.map((handle) => {
    const { status, attempts, items, failure, failures, because } = result.steps[handle.name]!;
    const said = failures.map(({ attempt, failure: { code, message } }) => [attempt, code, message]);
    return [handle.name, { status, attempts, items, because, code: failure?.code, message: failure?.message, report: failure?.report, said, output: status === 'succeeded' ? result.output(handle) : undefined }];
  });
  return JSON.parse(
    JSON.stringify({ status: result.status, steps: Object.fromEntries(steps) as unknown }, (key, value: unknown) => (key === 'at' ? 'a time' : typeof value === 'string' ? withoutIds(value) : value)),
  );
}

function withoutIds(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time');
}
