import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One thing to time; a `*.bench.ts` file exports `benchmarks: Benchmark[]`. */
export interface Benchmark {
  readonly name: string;
  run(): Promise<Result>;
}

export interface Result {
  /** The median over the runs. */
  readonly value: number;
  readonly unit: string;
  readonly fastest?: number;
  readonly slowest?: number;
  readonly runs?: number;
  /** The same measure of what it is compared with, taken in the same minutes. */
  readonly baseline?: number;
  /** `value / baseline`. */
  readonly ratio?: number;
  readonly target?: Target;
}

/** What must hold; `ratioAtMost` wherever two things can be compared, for it travels between machines. */
export interface Target {
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly ratioAtMost?: number;
}

export interface RunOptions<State = undefined> {
  /** @default 7 */
  readonly runs?: number;
  /** Runs that are not counted. @default 1 */
  readonly warmup?: number;
  /** Made once, given to every run. */
  readonly setup?: () => State | Promise<State>;
  /** Called before every run, outside the measured time. */
  readonly before?: (state: State) => unknown;
  readonly teardown?: (state: State) => unknown;
}

export interface MeasureOptions<State = undefined> extends RunOptions<State> {
  /** How many operations one run makes; the result is per operation. @default 1 */
  readonly operations?: number;
  /** @default 'ms' */
  readonly unit?: 'ms' | 'µs' | 'operations/s';
  readonly target?: Target;
}

type Subject<State> = (state: State) => unknown;

/** Times one function. */
export function measure<State = undefined>(name: string, subject: Subject<State>, options: MeasureOptions<State> = {}): Benchmark {
  return {
    name,
    run: () =>
      withState(options, async (state) => {
        const times = await timings([subject], state, options);
        const { operations = 1, unit = 'ms', target } = options;
        const values = sorted((times[0] ?? []).map((milliseconds) => convert(milliseconds, operations, unit)));
        return { ...summary(values), unit, ...(target && { target }) };
      }),
  };
}

/** Times two functions turn by turn, so that both meet the same weather; the ratio is what counts. */
export function compare<State = undefined>(
  name: string,
  subject: Subject<State>,
  baseline: Subject<State>,
  options: MeasureOptions<State> = {},
): Benchmark {
  return {
    name,
    run: () =>
      withState(options, async (state) => {
        const times = await timings([subject, baseline], state, options);
        const { operations = 1, unit = 'ms', target } = options;
        const [own, other] = times.map((each) => sorted(each.map((milliseconds) => convert(milliseconds, operations, unit))));
        const result = summary(own ?? []);
        const reference = median(other ?? []);
        return { ...result, unit, baseline: reference, ratio: result.value / reference, ...(target && { target }) };
      }),
  };
}

export interface PeakMemoryOptions {
  readonly target?: Target;
  /** Given to the function; must survive JSON. */
  readonly argument?: unknown;
}

/**
 * The memory that a function needs at its height: what a process that runs it has resident at most, beyond a process
 * that only loads its module. `module` is a URL (`import.meta.url` of the bench file, say), `exportName` the function in it.
 */
export function peakMemory(name: string, module: string, exportName: string, options: PeakMemoryOptions = {}): Benchmark {
  return {
    name,
    async run() {
      const idle = await peakOfChild(module, '', null);
      const peak = await peakOfChild(module, exportName, options.argument ?? null);
      return { value: Math.max(0, peak - idle), unit: 'MB', ...(options.target && { target: options.target }) };
    },
  };
}

/** Whether a result meets its target; undefined when it has none. */
export function meetsTarget({ value, ratio, target }: Result): boolean | undefined {
  if (target === undefined) return undefined;
  return (
    value <= (target.atMost ?? Infinity) &&
    value >= (target.atLeast ?? -Infinity) &&
    (target.ratioAtMost === undefined || (ratio ?? Infinity) <= target.ratioAtMost)
  );
}

async function withState<State>(options: RunOptions<State>, body: (state: State) => Promise<Result>): Promise<Result> {
  const state = (await options.setup?.()) as State;
  try {
    return await body(state);
  } finally {
    await options.teardown?.(state);
  }
}

async function timings<State>(subjects: readonly Subject<State>[], state: State, options: RunOptions<State>): Promise<number[][]> {
  const { runs = 7, warmup = 1, before } = options;
  const times = subjects.map((): number[] => []);
  for (let turn = -warmup; turn < runs; turn++) {
    for (const [index, subject] of subjects.entries()) {
      await before?.(state);
      const start = performance.now();
      await subject(state);
      const elapsed = performance.now() - start;
      if (turn >= 0) times[index]?.push(elapsed);
    }
  }
  return times;
}

function convert(milliseconds: number, operations: number, unit: MeasureOptions['unit']): number {
  if (unit === 'operations/s') return operations / (milliseconds / 1000);
  return (milliseconds / operations) * (unit === 'µs' ? 1000 : 1);
}

function summary(values: readonly number[]): { value: number; fastest: number; slowest: number; runs: number } {
  return { value: median(values), fastest: values[0] ?? NaN, slowest: values.at(-1) ?? NaN, runs: values.length };
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

function median(ordered: readonly number[]): number {
  const middle = ordered.length / 2;
  return ((ordered[Math.ceil(middle) - 1] ?? NaN) + (ordered[Math.floor(middle)] ?? NaN)) / 2;
}

async function peakOfChild(module: string, exportName: string, argument: unknown): Promise<number> {
  const script = fileURLToPath(new URL('peak-memory-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, module, exportName, JSON.stringify(argument)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let kilobytes: number | undefined;
  child.on('message', (message) => (kilobytes = Number(message)));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (kilobytes === undefined) throw new Error(`The child that ran ${exportName || 'nothing'} ended with ${code}.`);
  return kilobytes / 1024;
}
