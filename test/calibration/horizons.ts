import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
import type { Sampler } from '../monitoring/samples.ts';
import { countFalseAlarms, percent, type Trial } from './counting.ts';
import { rowsText, table, type Part, type Report } from './part.ts';

const drawn: Readonly<Record<string, (sampler: Sampler) => unknown>> = {
  normal: (sampler) => sampler.normal(),
  heavy: (sampler) => Math.tan(Math.PI * (sampler.random() - 0.5)),
  ties: (sampler) => Math.floor(7 * sampler.random()),
  few: (sampler) => sampler.categories(1, 5)[0],
  many: (sampler) => sampler.categories(1, 30)[0],
  gaps: (sampler) => (sampler.random() < 0.1 ? null : sampler.random()),
};

interface Plan {
  readonly alpha: number;
  readonly horizon: number;
  readonly reference: number;
  readonly rows: number;
  readonly trials: number;
}

const plans: readonly Plan[] = [
  { alpha: 0.05, horizon: 200, reference: 1000, rows: 100, trials: 200 },
  { alpha: 0.05, horizon: 200, reference: 10_000, rows: 500, trials: 60 },
  { alpha: 0.3, horizon: 20, reference: 1000, rows: 200, trials: 200 },
];

/** Whether any window of a horizon gives a false alarm, in a monitor with a reference of its own and no least effect. */
function horizonTrial({ alpha, horizon, reference, rows }: Plan, sampler: Sampler): Trial<'alarmed'> {
  const row = (): Record<string, unknown> => Object.fromEntries(Object.entries(drawn).map(([name, draw]) => [name, draw(sampler)]));
  return async () => {
    const profile = profileData(Array.from({ length: reference }, row));
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'quiet', reference: profile, window: { rows }, drift: { alpha, horizon, minEffect: 0 }, flushInterval: '1h' });
    let windows = 0;
    let alarms = 0;
    monitor.on('verdict', ({ drifted }) => {
      windows++;
      if (drifted) alarms++;
    });
    for (let window = 0; window < horizon; window++) {
      for (let i = 0; i < rows; i++) monitor.observe({ features: row() });
      await monitor.flush();
    }
    await monitor.close();
    if (windows !== horizon) throw new Error(`${windows} windows were judged instead of ${horizon}.`);
    return { alarmed: alarms > 0 };
  };
}

async function horizonLines(report: Report): Promise<readonly (readonly string[])[]> {
  const lines: (readonly string[])[] = [];
  for (const plan of plans) {
    const { alpha: level, horizon, reference, rows, trials } = plan;
    const counted = await countFalseAlarms({ trials: report.trials(trials), seed: report.nextSeed(), bounded: ['alarmed'], level, trialOf: (sampler) => horizonTrial(plan, sampler) });
    report.hold(counted, ['alarmed'], `${horizon} windows of ${rows} rows`, level);
    lines.push(report.line(String(level), String(horizon), rowsText(reference), String(rows), String(counted.trials), String(counted.hits.alarmed), percent(counted, 'alarmed')));
  }
  return lines;
}

/** False alarms over many windows of a monitor. */
export const horizonsPart: Part = {
  name: 'horizons',
  page: 'docs/monitoring.md',
  make: async (report) => table(['alpha', 'horizon', 'rows of the reference', 'rows in a window', 'horizons', 'with a false alarm', 'share'], await horizonLines(report)),
};
