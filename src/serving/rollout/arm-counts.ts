/** Sums of a metric of one's own. */
export interface ValueSums {
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** By which it is known how skewed the values are. */
  readonly sumCubes: number;
}

const noValues: ValueSums = { n: 0, sum: 0, sumSquares: 0, sumCubes: 0 };

/** What an arm of a stage came to, as it is stored: sums that add up over processes. */
export interface StoredArm {
  /** Requests that it was asked. */
  readonly n: number;
  /** Those of them that failed. */
  readonly errors: number;
  /** Keys that came to it, each once, and requests without one. */
  readonly units: number;
  /** How long requests took whose answers were not kept from before: the numbers of the bins that have any, and how many each has. */
  readonly bins: readonly number[];
  readonly binned: readonly number[];
  readonly values: Readonly<Record<string, ValueSums>>;
}

// Each bin of latencies is two percent wide.
const logWidth = /* @__PURE__ */ Math.log(1.02);
const shortestMs = 1e-3;
const longestMs = 1e8;

/** The bin of a latency. */
function binOf(ms: number): number {
  return Math.ceil(Math.log(Math.min(Math.max(ms, shortestMs), longestMs)) / logWidth - 1e-9);
}

/** The largest latency of a bin, in milliseconds; the smallest is above that of the bin before. */
export function binEdge(bin: number): number {
  return Math.exp(bin * logWidth);
}

/** The sums of values of both. */
export function addSums(a: ValueSums, b: ValueSums): ValueSums {
  return { n: a.n + b.n, sum: a.sum + b.sum, sumSquares: a.sumSquares + b.sumSquares, sumCubes: a.sumCubes + b.sumCubes };
}

/** Counts what an arm comes to. */
export class ArmCounts {
  n = 0;
  errors = 0;
  units = 0;
  readonly bins: Map<number, number> = new Map();
  readonly values: Map<string, ValueSums> = new Map();

  /** How many requests have a latency that counts. */
  get timed(): number {
    let sum = 0;
    for (const count of this.bins.values()) sum += count;
    return sum;
  }

  /** Counts a request. How long a kept answer took says nothing of the version: the stable one, which has most requests, has more of them kept. */
  add(latencyMs: number, failed: boolean, isNewUnit: boolean, cached: boolean = false): void {
    this.n++;
    if (failed) this.errors++;
    if (isNewUnit) this.units++;
    if (cached) return;
    const bin = binOf(latencyMs);
    this.bins.set(bin, (this.bins.get(bin) ?? 0) + 1);
  }

  /** Counts a value of a metric. */
  measure(name: string, value: number): void {
    this.values.set(name, addSums(this.values.get(name) ?? noValues, { n: 1, sum: value, sumSquares: value * value, sumCubes: value * value * value }));
  }

  /** Adds what another process counted. */
  merge({ n, errors, units, bins, binned, values }: StoredArm): this {
    this.n += n;
    this.errors += errors;
    this.units += units;
    bins.forEach((bin, i) => this.bins.set(bin, (this.bins.get(bin) ?? 0) + binned[i]!));
    for (const [name, added] of Object.entries(values)) this.values.set(name, addSums(this.values.get(name) ?? noValues, added));
    return this;
  }

  /** As it is stored. */
  stored(): StoredArm {
    const bins = [...this.bins.keys()].sort((a, b) => a - b);
    return { n: this.n, errors: this.errors, units: this.units, bins, binned: bins.map((bin) => this.bins.get(bin)!), values: Object.fromEntries(this.values) };
  }
}
