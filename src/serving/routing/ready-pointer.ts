/** Points at a version, and moves to another only when that one is ready. */
export class ReadyPointer {
  #wanted: number | undefined;
  #serving: number | undefined;

  /** Where it is to point. */
  get wanted(): number | undefined {
    return this.#wanted;
  }

  /** Where it points: a version that was ready when it moved there. */
  get serving(): number | undefined {
    return this.#serving;
  }

  /** Is to point at `version`, or stays where it is when there is none to point at; moves if that is ready. */
  point(version: number | undefined, isReady: (version: number) => boolean): void {
    this.#wanted = version ?? this.#wanted;
    if (this.#wanted !== undefined && isReady(this.#wanted)) this.#serving = this.#wanted;
  }

  /** The versions that it needs: the one that it points at, and the one that it is to point at. */
  versions(): number[] {
    return [this.#serving, this.#wanted].filter((version) => version !== undefined);
  }
}
