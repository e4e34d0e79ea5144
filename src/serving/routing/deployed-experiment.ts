/** What is known of a unit, for an experiment that targets by it. */
export type UnitAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What a deployment asks of an experiment; an `ABTest` whose variants name versions is one. */
export interface DeployedExperiment {
  /** Its name. */
  readonly name: string;
  /** Its variants, with the versions that serve them. */
  readonly variants: readonly { readonly name: string; readonly version?: number | undefined }[];
  /** The variant of a unit, if it has one. */
  assign(unit: string, attributes?: UnitAttributes): { readonly variant?: string | undefined };
  /** Is told that a unit has met its variant. */
  expose(unit: string, exposure: { readonly variant: string; readonly attributes?: UnitAttributes | undefined; readonly at: number }): unknown;
  /** Is told what came of a unit. */
  record(unit: string, values: Readonly<Record<string, number>>, event: { readonly id: string }): void;
}
