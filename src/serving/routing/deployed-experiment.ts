/** What is known of a unit, for an experiment that targets by it. */
export type UnitAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** A variant of an experiment. */
export interface DeployedVariant {
  /** Its name. */
  readonly name: string;
  /** The version that serves it. @default the version in use */
  readonly version?: number | undefined;
}

/** What an experiment says of a unit. */
export interface DeployedAssignment {
  /** The name of its variant; absent when it takes no part. */
  readonly variant?: string | undefined;
  /** Why; `sticky` for a variant that was stored before. */
  readonly reason?: string | undefined;
}

/** What a deployment asks of an experiment; an `ABTest` whose variants name versions is one. */
export interface DeployedExperiment {
  /** Its name. */
  readonly name: string;
  /** Its variants, with the versions that serve them. */
  readonly variants: readonly DeployedVariant[];
  /** The variant of a unit, if it has one. */
  assign(unit: string, attributes?: UnitAttributes): DeployedAssignment;
  /** The variant that a unit had first, which is stored; for `sticky`. */
  assignSticky?(unit: string, attributes?: UnitAttributes): Promise<DeployedAssignment>;
  /** Is told that a unit has met its variant. */
  expose(unit: string, exposure: { readonly variant: string; readonly attributes?: UnitAttributes | undefined; readonly at: number }): unknown;
  /** Is told what came of a unit. */
  record(unit: string, values: Readonly<Record<string, number>>, event: { readonly id: string }): void;
}
