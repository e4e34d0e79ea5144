import { DriftMonitor, MemoryStorage, profileData, type DriftAlert, type HealthReport, type MonitorHealthOptions, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { HealthTally } from '../../src/monitoring/health/health-tally.ts';
import { healthJudge } from '../../src/monitoring/health/judge-health.ts';
import { binStart, latencyBin } from '../../src/monitoring/health/latency-bins.ts';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { Sampler } from './samples.ts';

const reference = profileData({ x: Float64Array.from({ length: 100 }, (_, i) => i), score: Float64Array.from({ length: 100 }, (_, i) => i) }, { prediction: 'score' });

function monitorOn(storage: StorageAdapter, clock: ManualClock, health: MonitorHealthOptions = {}): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { every: '1m', grace: 0 }, clock, health });
}

async function healthOf(monitor: DriftMonitor): Promise<HealthReport> {
  return (await monitor.check()).health!;
}

describe('the health of a system', () => {
  it('counts requests, failures and how long they took, which several processes add up', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const monitors = [monitorOn(storage, clock), monitorOn(storage, clock)];
    for (let i = 0; i < 1000; i++) {
      const observed = i % 100 === 7 ? { error: new Error('down'), latencyMs: 5000 } : { features: { x: i % 100 }, prediction: i % 100, latencyMs: i % 2 === 0 ? 10 : i };
      monitors[i % 2]!.observe(observed);
    }
    monitors[0]!.observe({ features: { x: 1 }, error: false, latencyMs: NaN });
    monitors[0]!.observe({ features: { x: 1 }, error: null });
    await monitors[0]!.flush();
    await monitors[1]!.flush();
    clock.jump(60_000);
    const verdict = await monitors[0]!.check();
    expect(verdict.window).toMatchObject({ rows: 992, complete: true });
    expect(verdict.health).toMatchObject({ status: 'insufficient', requests: 1002, errors: 10, throughput: 1002 / 60, checks: [] });
    const { timed, mean, p50, p90 } = verdict.health!.latencyMs!;
    const exact = Array.from({ length: 1000 }, (_, i) => (i % 100 === 7 ? 5000 : i % 2 === 0 ? 10 : i)).sort((a, b) => a - b);
    expect(timed).toBe(1000);
    expect(mean).toBeCloseTo(exact.reduce((sum, each) => sum + each, 0) / 1000, 9);
    for (const [found, rank] of [[p50, 500], [p90, 900]] as const) {
      expect(found).toBeGreaterThanOrEqual(exact[rank - 1]!);
      expect(found).toBeLessThanOrEqual(1.016 * exact[rank - 1]!);
    }
  });

  it('is violated when a bound surely is, and alerts until it is not', async () => {
    const clock = new ManualClock();
    const monitor = monitorOn(new MemoryStorage(), clock, { latencyMs: { 0.5: 20, 0.99: 100 }, maxErrorRate: 0.05, minThroughput: 1, maxThroughput: 10 });
    const told: DriftAlert[] = [];
    monitor.on('alert', (alert) => told.push(alert));
    const statuses: string[][] = [];
    for (const [requests, failed, slow] of [[120, 3, 1], [120, 20, 60], [900, 0, 0], [30, 0, 0], [120, 0, 1]] as const) {
      for (let i = 0; i < requests; i++) monitor.observe({ features: { x: (i * 37) % 100 }, prediction: (i * 37) % 100, latencyMs: i < slow ? 500 : 10, error: i < failed });
      await monitor.flush();
      clock.jump(60_000);
      statuses.push((await healthOf(monitor)).checks.map(({ name, status }) => `${name} ${status}`));
    }
    const fine = ['latency held', 'latency held', 'errorRate held', 'throughput held'];
    expect(statuses).toEqual([fine, ['latency held', 'latency violated', 'errorRate violated', 'throughput held'], [...fine.slice(0, 3), 'throughput violated'], [...fine.slice(0, 3), 'throughput violated'], fine]);
    expect(told.map(({ kind, status, window, columns }) => [kind, status, window, columns])).toEqual([['health', 'firing', 2, []], ['health', 'resolved', 5, []]]);
    expect(told[0]!.summary).toBe("Monitor 'm': the system is out of its bounds: 99 % of requests within 504 ms, where 100 ms are allowed (60 of 120 were slower); 16.67 % of requests failed (20 of 120), where 5 % may in window 2.");
  });

  it('is not called violated at its bound more often than its confidence leaves', () => {
    // Exactly at both bounds, in windows of 300 requests.
    const seed = 11;
    const sampler = new Sampler(seed);
    const bounds = { latencies: [{ quantile: 0.9, max: 100 }], maxErrorRate: 0.01, minThroughput: undefined, maxThroughput: undefined, confidence: 0.99 };
    const judge = healthJudge(bounds);
    const windows = 2000;
    const violated = [0, 0];
    for (let window = 0; window < windows; window++) {
      const tally = new HealthTally();
      for (let i = 0; i < 300; i++) tally.observe({ latencyMs: sampler.random() < 0.1 ? 120 : 80, error: sampler.random() < 0.01 });
      const counts = { start: 0, late: 0, from: 0, to: 1, rows: 0, versions: [], columns: [], sent: [], sums: { health: tally.take() } };
      for (const [i, { status }] of judge.judge({ reference, counts, complete: true }).checks.entries()) if (status === 'violated') violated[i]!++;
    }
    for (const count of violated) expect(clopperPearsonInterval(count, windows, 0.01).low, `${violated.join(', ')} of ${windows}, seed ${seed}`).toBeLessThanOrEqual(0.01);
  });

  it('tells of an outage in which every request failed, and is insufficient without any', async () => {
    const clock = new ManualClock();
    const monitor = monitorOn(new MemoryStorage(), clock, { maxErrorRate: 0.1, latencyMs: { 0.9: 1 } });
    expect(await healthOf(monitor)).toMatchObject({ status: 'insufficient', requests: 0, throughput: null, latencyMs: null });
    for (let i = 0; i < 20; i++) monitor.observe({ error: 'down', version: 3 });
    await monitor.flush();
    clock.jump(60_000);
    const verdict = await monitor.check();
    expect(verdict).toMatchObject({ status: 'insufficient', window: { number: 1, rows: 0, complete: true }, health: { status: 'violated', requests: 20, errors: 20, checks: [{ status: 'insufficient' }, { status: 'violated', value: 1 }] } });
  });

  it('puts latencies into bins of 1.6 % that follow one another, from nothing to a year', () => {
    for (const ms of [0, 1e-6, 0.5, 1, 1.5, 2, 99.9, 100, 250, 86_400_000, 3e10]) {
      const bin = latencyBin(ms);
      expect(binStart(bin)).toBeLessThanOrEqual(ms);
      expect(binStart(bin + 1)).toBeGreaterThan(ms);
      expect(binStart(bin + 1) - binStart(bin)).toBeLessThanOrEqual(Math.max(Number.MIN_VALUE * 2 ** 46, binStart(bin) / 64));
    }
  });

  it('refuses bounds that cannot be meant, and features that are missing without a failure', () => {
    const clock = new ManualClock();
    for (const [wrong, message] of [
      [{ latencyMs: { 1: 20 } }, /shares between 0 and 1/],
      [{ latencyMs: { half: 20 } }, /shares between 0 and 1/],
      [{ maxErrorRate: 2 }, /maxErrorRate/],
      [{ minThroughput: 2, maxThroughput: 1 }, /above/],
      [{ latency: {} }, /unknown options.health: latency|latency/],
    ] as const) {
      expect(() => monitorOn(new MemoryStorage(), clock, wrong as never), JSON.stringify(wrong)).toThrow(message);
    }
    expect(() => monitorOn(new MemoryStorage(), clock).observe({ error: false })).toThrow(/features are undefined/);
    expect(() => monitorOn(new MemoryStorage(), clock).observe({ features: null as never, error: true })).toThrow(/features are null/);
  });
});
