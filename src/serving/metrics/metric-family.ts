/** One value of a metric. */
export interface MetricSample {
  /** What is behind the name of the family: nothing, or the part of a histogram. */
  readonly suffix: '' | '_bucket' | '_sum' | '_count';
  /** What it is of. */
  readonly labels: Readonly<Record<string, string>>;
  /** The value; counters never fall while their labels stay. */
  readonly value: number;
}

/** A metric with all its values. */
export interface MetricFamily {
  /** Name in the form of Prometheus: `_total` at the end of counters, base units (`_seconds`, `_bytes`). */
  readonly name: string;
  /** What it counts or measures, for people. */
  readonly help: string;
  /** How its values behave. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** The values, those of one histogram together and in order. */
  readonly samples: readonly MetricSample[];
}

/** What tells deployments of one text apart. */
type Labels = Readonly<Record<string, string>>;

/** Gathers values by family, in the order in which the families were first named. */
export class MetricFamilies {
  readonly #families = new Map<string, MetricFamily & { readonly samples: MetricSample[] }>();

  /** Adds a value of a counter. */
  counter(name: string, help: string, labels: Labels, value: number): void {
    this.#samplesOf(name, help, 'counter').push({ suffix: '', labels, value });
  }

  /** Adds a value of a gauge. */
  gauge(name: string, help: string, labels: Labels, value: number): void {
    this.#samplesOf(name, help, 'gauge').push({ suffix: '', labels, value });
  }

  /** Adds the samples of a histogram. */
  histogram(name: string, help: string, labels: Labels, samples: Iterable<MetricSample>): void {
    const all = this.#samplesOf(name, help, 'histogram');
    for (const { suffix, labels: own, value } of samples) all.push({ suffix, labels: { ...labels, ...own }, value });
  }

  /** All that was added. */
  all(): readonly MetricFamily[] {
    return [...this.#families.values()];
  }

  #samplesOf(name: string, help: string, type: MetricFamily['type']): MetricSample[] {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, (family = { name, help, type, samples: [] }));
    return family.samples;
  }
}
