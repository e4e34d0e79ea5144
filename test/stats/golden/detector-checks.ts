import { Adwin } from '../../../src/stats/detectors/adwin.ts';
import { Cusum } from '../../../src/stats/detectors/cusum.ts';
import { Ddm } from '../../../src/stats/detectors/ddm.ts';
import { Eddm } from '../../../src/stats/detectors/eddm.ts';
import { HddmA } from '../../../src/stats/detectors/hddm-a.ts';
import { HddmW } from '../../../src/stats/detectors/hddm-w.ts';
import { PageHinkley, type ChangeDirection } from '../../../src/stats/detectors/page-hinkley.ts';
import type { StreamDetector } from '../../../src/stats/detectors/stream-detector.ts';
import type { GoldenCheck } from './golden-check.ts';
import { lcg } from './golden-file.ts';

/** A stream of River's own tests: a digit or a number per observation. */
interface Published {
  readonly stream: string | readonly number[];
  readonly params: Readonly<Record<string, unknown>>;
}

/** A stream that anybody can draw again. */
interface Portable {
  readonly kind: 'bernoulli_switch' | 'irwinhall_switch';
  readonly seed: number;
  readonly n: number;
  readonly p0?: number;
  readonly p1?: number;
  readonly shift?: number;
  readonly at: number;
}

function drawn({ kind, seed, n, p0 = 0, p1 = 0, shift = 0, at }: Portable): number[] {
  const draw = lcg(seed);
  return Array.from({ length: n }, (_, i) => {
    if (kind === 'bernoulli_switch') return draw() < (i < at ? p0 : p1) ? 1 : 0;
    let sum = 0;
    for (let k = 0; k < 12; k++) sum += draw();
    return sum - 6 + (i < at ? 0 : shift);
  });
}

function indicesOf(detector: StreamDetector, stream: readonly number[]): { drift: number[]; warning: number[] } {
  const statuses = stream.map((value) => detector.update(value));
  const at = (wanted: string): number[] => statuses.flatMap((status, i) => (status === wanted ? [i] : []));
  return { drift: at('drift'), warning: at('warning') };
}

function published(name: string, test: string, make: (params: never) => StreamDetector, skipped: Record<string, string> = {}): GoldenCheck<Published> {
  return { name, test, skipped, actual: ({ stream, params }) => indicesOf(make((params['p'] ?? params) as never), [...stream].map(Number)).drift };
}

interface Counting {
  /** River's flag of a warning stays up at the drift that follows it, where our status is one word; its count has those too. */
  readonly warnedDrifts?: true;
}

function portable(name: string, test: string, make: () => StreamDetector, { warnedDrifts }: Counting = {}): GoldenCheck<Portable> {
  return {
    name,
    test,
    actual: (input) => {
      const { drift, warning } = indicesOf(make(), drawn(input));
      const warned = warnedDrifts ? drift.filter((i) => warning.includes(i - 1)).length : 0;
      return { drift, first_warning: warning[0] ?? null, n_warnings: warning.length + warned };
    },
  };
}

type AdwinParams = Readonly<Record<'delta' | 'clock' | 'mb' | 'mw' | 'grace', number>>;

/** Stream detectors against the indices that River publishes, and against streams that anybody can draw. */
export const checks: readonly GoldenCheck[] = [
  published('Adwin', 'river_adwin', ({ delta, clock, mb, mw, grace }: AdwinParams) => new Adwin({ delta, clock, maxBuckets: mb, minWindow: mw, gracePeriod: grace }), {
    'river_adwin#2': 'An older River passed over the newest bucket of each row, which it has mended since (river#1539).',
  }),
  published('Ddm', 'river_ddm', ([warmUp, warning, drift]: number[]) => new Ddm({ warmUp, warning, drift })),
  published('Eddm', 'river_eddm', ([warmUp, alpha, beta]: number[]) => new Eddm({ warmUp, alpha, beta })),
  published('HddmA', 'river_hddm_a', ([drift, warning, twoSided]: [number, number, boolean]) => new HddmA({ drift, warning, twoSided })),
  published('HddmW', 'river_hddm_w', ([drift, warning, lambda, twoSided]: [number, number, number, boolean]) => new HddmW({ drift, warning, lambda, twoSided })),
  published(
    'PageHinkley',
    'river_page_hinkley',
    ([warmUp, delta, threshold, alpha, direction]: [number, number, number, number, ChangeDirection]) => new PageHinkley({ warmUp, delta, threshold, alpha, direction }),
  ),
  published('Cusum', 'river_cusum', ([warmUp, slack, threshold, direction]: [number, number, number, ChangeDirection]) => new Cusum({ warmUp, slack, threshold, direction })),
  portable('Adwin', 'stream_adwin', () => new Adwin()),
  portable('Adwin', 'stream_adwin_clock1', () => new Adwin({ clock: 1 })),
  portable('Ddm', 'stream_ddm', () => new Ddm()),
  portable('Eddm', 'stream_eddm', () => new Eddm(), { warnedDrifts: true }),
  portable('HddmA', 'stream_hddm_a', () => new HddmA()),
  portable('HddmA', 'stream_hddm_a_two', () => new HddmA({ twoSided: true })),
  portable('HddmW', 'stream_hddm_w', () => new HddmW()),
  portable('HddmW', 'stream_hddm_w_two', () => new HddmW({ twoSided: true })),
  portable('PageHinkley', 'stream_page_hinkley', () => new PageHinkley()),
  portable('PageHinkley', 'stream_page_hinkley_t10', () => new PageHinkley({ threshold: 10 })),
  portable('Cusum', 'stream_cusum', () => new Cusum()),
];
