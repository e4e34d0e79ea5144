/** Units that this process has exposed, the oldest first, so that a unit that meets its variant a thousand times is written once. */
export class ExposedUnits {
  readonly #remembered: number;
  readonly #known = new Map<string, { readonly variant: string; readonly at: number }>();

  constructor(remembered: number) {
    this.#remembered = remembered;
  }

  /** Whether an exposure tells nothing new: the unit was exposed to the same variant no later. */
  has(unit: string, variant: string, at: number): boolean {
    const known = this.#known.get(unit);
    return known !== undefined && known.variant === variant && known.at <= at;
  }

  /** Remembers an exposure that was taken. */
  add(unit: string, variant: string, at: number): void {
    this.#known.delete(unit);
    this.#known.set(unit, { variant, at });
    if (this.#known.size > this.#remembered) this.#known.delete(this.#known.keys().next().value!);
  }
}
