/** What a model was made with. */
export interface Framework {
  /** Its name, such as `@tensorflow/tfjs`. */
  readonly name: string;
  /** Its version. */
  readonly version?: string | undefined;
}
