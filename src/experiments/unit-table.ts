/** What the units of a test came to, in columns: one place for each unit that was exposed to exactly one variant, in an order that depends on the units alone and says nothing of them. */
export interface UnitTable {
  /** How many units there are. */
  readonly units: number;
  /** The index of each unit's variant, in the order of the definition. */
  readonly variant: Uint16Array;
  /** When each unit was first exposed, epoch milliseconds. */
  readonly exposedAt: Float64Array;
  /** The metrics, by name. */
  readonly metrics: Readonly<Record<string, MetricColumns>>;
  /** The attributes at first exposure, by name: the values that there are, as texts and in their order, and of each unit which one it has; -1 for none. */
  readonly segments: Readonly<Record<string, SegmentColumn>>;
  /** Units that were exposed to several variants and are therefore left out. */
  readonly crossed: number;
  /** Units that were exposed to variants that the definition does not have; such exposures count for nothing else. */
  readonly unknown: number;
  /** By which weights each unit came, where they were changed while the test ran; absent where all came by the same. */
  readonly allocation?: AllocationColumn | undefined;
}

/** The weights that units were assigned by, and when they came. */
export interface AllocationColumn {
  /** The weights, the first ones first, each in the order of the definition's variants. */
  readonly weights: readonly (readonly number[])[];
  /** Of each unit the place of those by which it came. */
  readonly epoch: Uint16Array;
}

/** An attribute of the units. */
export interface SegmentColumn {
  /** The values that there are. */
  readonly values: readonly string[];
  /** Of each unit the place of its value among them; -1 for none. */
  readonly codes: Int32Array;
}

/** A number per unit. */
export interface UnitColumn {
  /** Says that there is a number per unit. */
  readonly kind: 'proportion' | 'mean' | 'count';
  /** The number, of each unit; NaN for one whose window has not passed yet. */
  readonly value: Float64Array;
  /** The same before its exposure; absent without `before`. */
  readonly before?: Float64Array | undefined;
}

/** Two numbers per unit. */
export interface RatioColumns {
  /** Says that there are two numbers per unit. */
  readonly kind: 'ratio';
  /** Above the line, of each unit; NaN for one whose window has not passed yet. */
  readonly numerator: Float64Array;
  /** Below the line. */
  readonly denominator: Float64Array;
  /** The same before its exposure; absent without `before`. */
  readonly before?: RatioColumnsBefore | undefined;
}

/** Two numbers per unit, of the time before its exposure. */
export interface RatioColumnsBefore {
  /** Above the line. */
  readonly numerator: Float64Array;
  /** Below the line. */
  readonly denominator: Float64Array;
}

/** A number per event. */
export interface EventColumn {
  /** Says that there is a number per event. */
  readonly kind: 'quantile';
  /** The number of each event. */
  readonly value: Float64Array;
  /** The unit of each event. */
  readonly unit: Uint32Array;
}

/** What the units came to in one metric. */
export type MetricColumns = UnitColumn | RatioColumns | EventColumn;
