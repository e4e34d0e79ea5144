import { Adwin, Cusum, Ddm, Eddm, HddmA, HddmW, Kswin, PageHinkley, type StreamDetector } from 'modelkeep/stats';
import type { Sampler } from '../monitoring/samples.ts';
import { samplerOf } from './counting.ts';
import { table, type Part, type Report } from './part.ts';

type DrawValue = (sampler: Sampler) => number;

interface Stream {
  readonly name: string;
  readonly before: DrawValue;
  /** What it changes to: a little, and more. */
  readonly after: readonly [DrawValue, DrawValue];
  readonly detectors: Readonly<Record<string, () => StreamDetector>>;
}

const ofNumbers = { Adwin: () => new Adwin(), Cusum: () => new Cusum(), Kswin: () => new Kswin(), PageHinkley: () => new PageHinkley() };
const ofErrors = { Ddm: () => new Ddm(), Eddm: () => new Eddm(), HddmA: () => new HddmA(), HddmW: () => new HddmW() };

const wrong = (rate: number): DrawValue => (sampler) => Number(sampler.random() < rate);
const normal = (mean: number): DrawValue => (sampler) => mean + sampler.normal();
const loss = (mean: number): DrawValue => (sampler) => -mean * Math.log(1 - sampler.random());

const streams: readonly Stream[] = [
  { name: 'errors, one in ten; then two, or four', before: wrong(0.1), after: [wrong(0.2), wrong(0.4)], detectors: { ...ofErrors, ...ofNumbers } },
  { name: 'normal; then moved by 0.5 σ, or 2 σ', before: normal(0), after: [normal(0.5), normal(2)], detectors: ofNumbers },
  { name: 'losses, exponential with mean 1; then 1.5, or 3', before: loss(1), after: [loss(1.5), loss(3)], detectors: ofNumbers },
];

const quietStreams = 10;
const quietLength = 100_000;
const changes = 400;
const lead = 1000;
const patience = 10_000;

/** How many values there are for each false alarm, in streams that do not change. */
function quietTime(make: () => StreamDetector, { before }: Stream, report: Report): string {
  const sampler = samplerOf(report.nextSeed());
  const count = report.trials(quietStreams);
  let alarms = 0;
  for (let stream = 0; stream < count; stream++) {
    const detector = make();
    for (let i = 0; i < quietLength; i++) detector.update(before(sampler));
    alarms += detector.detections;
  }
  const values = count * quietLength;
  return alarms === 0 ? `none in ${values.toLocaleString('en-US')}` : Number((values / alarms).toPrecision(3)).toLocaleString('en-US');
}

/** How many values after a change a detector calls drift: the median, and the share of the streams in which it does so in time, where that is not all. */
function delay(make: () => StreamDetector, { before }: Stream, after: DrawValue, report: Report): string {
  const sampler = samplerOf(report.nextSeed());
  const trials = report.trials(changes);
  const delays: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const detector = make();
    for (let i = 0; i < lead; i++) detector.update(before(sampler));
    let values = 1;
    while (values <= patience && detector.update(after(sampler)) !== 'drift') values++;
    delays.push(values);
  }
  delays.sort((a, b) => a - b);
  const median = delays[Math.floor((trials - 1) / 2)]!;
  const found = delays.filter((each) => each <= patience).length / trials;
  const share = found === 1 ? '' : ` (found in ${Number((100 * found).toFixed(1))} %)`;
  return `${median > patience ? `over ${patience.toLocaleString('en-US')}` : median.toLocaleString('en-US')}${share}`;
}

function detectorLines(report: Report): readonly (readonly string[])[] {
  return streams.flatMap((stream) =>
    Object.entries(stream.detectors).map(([name, make]) => report.line(stream.name, `\`${name}\``, quietTime(make, stream, report), ...stream.after.map((after) => delay(make, stream, after, report)))));
}

/** What the stream detectors cost in false alarms, and how soon they see a change. */
export const detectorsPart: Part = {
  name: 'detectors',
  page: 'docs/statistics.md',
  make(report) {
    const median = `median of ${report.trials(changes)}`;
    return Promise.resolve(table(['stream', 'detector', 'values per false alarm', `delay of the small change, ${median}`, `of the large change, ${median}`], detectorLines(report)));
  },
};
