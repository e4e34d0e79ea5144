import type { ImportDamage } from './imported-run.ts';

/** A run that was imported, or was there. */
export interface ImportedRunRef {
  /** Identity in its source. */
  readonly source: string;
  /** Id in the store. */
  readonly id: string;
  /** Points that were added. */
  readonly points: number;
}

/** Something that is called otherwise than in its source, since its name is not allowed here. */
export interface RenamedItem {
  /** Identity of the run in its source. */
  readonly source: string;
  /** What it is. */
  readonly kind: 'metric' | 'param' | 'tag' | 'artifact' | 'dataset';
  /** Its name in the source. */
  readonly from: string;
  /** Its name in the store. */
  readonly to: string;
}

/** What an import did. */
export interface ImportRunsReport {
  /** Runs that are new, or to which something new was added. */
  readonly imported: readonly ImportedRunRef[];
  /** Runs that were there with all that the source has of them. */
  readonly unchanged: readonly ImportedRunRef[];
  /** What could not be read or taken over: the first thousand. */
  readonly damaged: readonly ImportDamage[];
  /** How many there are in all. */
  readonly damageCount: number;
  /** What is called otherwise than in its source: the first thousand. */
  readonly renamed: readonly RenamedItem[];
}

const longestList = 1_000;

/** Gathers a report: two ids for each run, and of damage and new names no more than fits a list. */
export class ReportBuilder {
  readonly #imported: ImportedRunRef[] = [];
  readonly #unchanged: ImportedRunRef[] = [];
  readonly #damaged: ImportDamage[] = [];
  readonly #renamed: RenamedItem[] = [];
  #damageCount = 0;

  damage(found: ImportDamage): void {
    this.#damageCount++;
    if (this.#damaged.length < longestList) this.#damaged.push(found);
  }

  renamed(item: RenamedItem): void {
    if (this.#renamed.length < longestList) this.#renamed.push(item);
  }

  run(ref: ImportedRunRef, changed: boolean): void {
    (changed ? this.#imported : this.#unchanged).push(ref);
  }

  /** Takes in what another has gathered beside runs. */
  join(other: ReportBuilder): void {
    for (const found of other.#damaged) this.damage(found);
    this.#damageCount += other.#damageCount - other.#damaged.length;
    for (const item of other.#renamed) this.renamed(item);
  }

  /** Runs so far. */
  get runs(): number {
    return this.#imported.length + this.#unchanged.length;
  }

  report(): ImportRunsReport {
    return { imported: this.#imported, unchanged: this.#unchanged, damaged: this.#damaged, damageCount: this.#damageCount, renamed: this.#renamed };
  }
}
