import { clopperPearsonInterval } from '../../stats/tests/clopper-pearson-interval.ts';
import type { JudgedWindow } from '../judging/judge-window.ts';
import type { WindowJudge } from '../judging/judgement.ts';
import type { HealthSettings } from './health-options.ts';
import { healthKeys } from './health-tally.ts';
import { binStart, latencyBin } from './latency-bins.ts';

/** One bound that the system was held to in a window. */
export interface HealthCheck {
  /** What was measured. */
  readonly name: 'latency' | 'errorRate' | 'throughput';
  /** `violated` when it is surely beyond its bound, `insufficient` when nothing was measured. */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** Of a latency, which share of the requests is meant. */
  readonly quantile?: number | undefined;
  /** Milliseconds, the failed share, or requests per second; `null` when nothing was measured. */
  readonly value: number | null;
  /** What it must not be below; absent where there is no such bound. */
  readonly min?: number | undefined;
  /** What it must not be above; absent where there is no such bound. */
  readonly max?: number | undefined;
  /** This in words. */
  readonly reason: string;
}

/** How the system around a model did in a window. */
export interface HealthReport {
  /** `violated` when any bound is, `insufficient` when no request came or there is no bound that could be judged. */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** Requests, those that failed among them. */
  readonly requests: number;
  /** Those that failed. */
  readonly errors: number;
  /** Requests per second: over the length of a closed window by time, else from the first row to the last; `null` when that is no time at all. */
  readonly throughput: number | null;
  /** How long requests took, of those that said it; `null` when none did. */
  readonly latencyMs: LatencySummary | null;
  /** Each bound. */
  readonly checks: readonly HealthCheck[];
}

/** How long the requests of a window took, in milliseconds. */
export interface LatencySummary {
  /** How many requests said how long they took. */
  readonly timed: number;
  /** Their mean, exact. */
  readonly mean: number;
  /** Half of them took at most so long; like the other quantiles at most 1.6 % too large and never too small. */
  readonly p50: number;
  /** Nine in ten took at most so long. */
  readonly p90: number;
  /** Nineteen in twenty took at most so long. */
  readonly p95: number;
  /** Ninety-nine in a hundred took at most so long. */
  readonly p99: number;
}

/** Makes what judges the health of a system. */
export function healthJudge(settings: HealthSettings): WindowJudge<HealthReport> {
  return {
    judge: (window) => judgeHealth(window, settings),
    findings({ status, checks }) {
      const violated = checks.filter((each) => each.status === 'violated');
      const what = `the system is out of its bounds: ${violated.map(({ reason }) => reason).join('; ')}`;
      return [{ kind: 'health', judged: status !== 'insufficient', found: violated.length > 0, columns: [], what }];
    },
  };
}

function judgeHealth(window: JudgedWindow, settings: HealthSettings): HealthReport {
  const sums = new Map(window.counts?.sums['health']);
  const [requests, errors, timed, total] = [healthKeys.requests, healthKeys.errors, healthKeys.timed, healthKeys.total].map((key) => sums.get(key) ?? 0) as [number, number, number, number];
  const latencies = new Latencies(sums);
  const seconds = secondsOf(window);
  const throughput = seconds > 0 ? requests / seconds : null;
  const checks = [
    ...settings.latencies.map((bound) => latencyCheck(latencies, bound, settings.confidence)),
    ...errorChecks(errors, requests, settings),
    ...throughputChecks(throughput, settings),
  ];
  const status = checks.some((each) => each.status === 'violated') ? 'violated' : checks.some((each) => each.status === 'held') ? 'held' : 'insufficient';
  const [p50, p90, p95, p99] = [0.5, 0.9, 0.95, 0.99].map((share) => latencies.quantile(share)) as [number, number, number, number];
  return { status, requests, errors, throughput, latencyMs: timed === 0 ? null : { timed, mean: total / timed, p50, p90, p95, p99 }, checks };
}

/** How long the requests of a window were counted. */
function secondsOf({ counts, start, end, complete }: JudgedWindow): number {
  if (counts === undefined) return 0;
  return (complete && start !== undefined && end !== undefined ? end - start : counts.to - counts.from) / 1000;
}

/** Counts of latencies by their bins. */
class Latencies {
  readonly #bins: readonly (readonly [bin: number, count: number])[];
  readonly timed: number;

  constructor(sums: ReadonlyMap<string, number>) {
    this.#bins = [...sums].filter(([key]) => /^\d+$/.test(key)).map(([key, count]) => [Number(key), count] as const).sort(([a], [b]) => a - b);
    this.timed = this.#bins.reduce((sum, [, count]) => sum + count, 0);
  }

  /** The end of the bin that the quantile lies in. */
  quantile(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.timed));
    for (const [bin, count] of this.#bins) if ((left -= count) <= 0) return binStart(bin + 1);
    return NaN;
  }

  /** How many surely took longer: those in bins that begin above. */
  slowerThan(ms: number): number {
    const own = latencyBin(ms);
    return this.#bins.reduce((sum, [bin, count]) => (bin > own ? sum + count : sum), 0);
  }
}

/** A quantile is above a bound when more requests are slower than the bound than may be: a share, with the exact interval of one. */
function latencyCheck(latencies: Latencies, { quantile, max }: { quantile: number; max: number }, confidence: number): HealthCheck {
  const { timed } = latencies;
  const slower = latencies.slowerThan(max);
  const value = timed === 0 ? null : latencies.quantile(quantile);
  const status = timed === 0 ? 'insufficient' : surelyAbove(slower, timed, 1 - quantile, confidence) ? 'violated' : 'held';
  const what = `${percent(quantile)} of requests within`;
  return { name: 'latency', status, quantile, value, max, reason: value === null ? 'no request said how long it took' : `${what} ${shortly(value)} ms, where ${shortly(max)} ms are allowed (${slower} of ${timed} were slower)` };
}

function errorChecks(errors: number, requests: number, { maxErrorRate: max, confidence }: HealthSettings): HealthCheck[] {
  if (max === undefined) return [];
  if (requests === 0) return [{ name: 'errorRate', status: 'insufficient', value: null, max, reason: 'no request came' }];
  const status = surelyAbove(errors, requests, max, confidence) ? 'violated' : 'held';
  return [{ name: 'errorRate', status, value: errors / requests, max, reason: `${percent(errors / requests)} of requests failed (${errors} of ${requests}), where ${percent(max)} may` }];
}

function throughputChecks(value: number | null, { minThroughput: min, maxThroughput: max }: HealthSettings): HealthCheck[] {
  if (min === undefined && max === undefined) return [];
  const bounds = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
  if (value === null) return [{ name: 'throughput', status: 'insufficient', value, ...bounds, reason: 'the requests span no time' }];
  const status = value < (min ?? -Infinity) || value > (max ?? Infinity) ? 'violated' : 'held';
  const allowed = [...(min === undefined ? [] : [`at least ${shortly(min)}`]), ...(max === undefined ? [] : [`at most ${shortly(max)}`])].join(' and ');
  return [{ name: 'throughput', status, value, ...bounds, reason: `${shortly(value)} requests per second, where ${allowed} are wanted` }];
}

/** Whether a share is surely above a bound: one end of the exact interval of Clopper and Pearson is. */
function surelyAbove(count: number, of: number, bound: number, confidence: number): boolean {
  return clopperPearsonInterval(count, of, 1 - confidence).low > bound;
}

function percent(share: number): string {
  return `${shortly(100 * share)} %`;
}

function shortly(value: number): string {
  return String(Number(value.toPrecision(4)));
}
