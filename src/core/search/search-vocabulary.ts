/** What a condition may compare with: numbers, texts, or a few words. */
export type OperandKind = { readonly kind: 'number' } | { readonly kind: 'text' } | { readonly kind: 'word'; readonly words: readonly string[] };

/** Something that items have one value of, at most. */
export interface SingleField<T> {
  /** Its name in the plainest form of a filter. */
  readonly name: string;
  /** How errors call it, such as `attribute name` or `a metric`. */
  readonly what: string;
  readonly operand: OperandKind;
  /** Its value, `undefined` where an item has none; a number where the operand is one, and a text otherwise. */
  readonly read: (item: T) => number | string | undefined;
}

/** Something that items have any number of texts of. */
export interface ManyField<T> {
  readonly name: string;
  readonly what: string;
  readonly operand: { readonly kind: 'text' };
  /** How errors call the things that have it, such as `datasets`. */
  readonly plural: string;
  /** Whether one of its values passes. */
  readonly some: (item: T, passes: (value: string) => boolean) => boolean;
}

/** Something of an item that can be asked about. */
export type SearchField<T> = SingleField<T> | ManyField<T>;

/** One of the kinds of things that a condition can ask about, such as metrics. */
export interface SearchSubject<T> {
  /** What it is called in texts, in lower case; texts are written with the first. */
  readonly entities: readonly string[];
  /** Whether its fields are of the kind that items have many values of, so that items cannot be sorted by them. */
  readonly many: boolean;
  /** The field of that name, which is not empty; `undefined` when there is none. */
  readonly field: (name: string) => SearchField<T> | undefined;
  /** What to say of a name that has no field. */
  readonly unknown: (name: string) => string;
}

/** What decides between items that are equal in all else; the last one is unique. */
export interface SearchTie<T> {
  readonly kind: 'number' | 'string';
  readonly direction: SortDirection;
  readonly read: (item: T) => number | string;
}

/** What errors show of how questions to the items are written. */
export interface SearchExamples {
  /** A name in a text, such as `metrics.loss`. */
  readonly name: string;
  /** A filter as an object, as it is written in code. */
  readonly filter: string;
  /** A key to sort by as an object, as it is written in code. */
  readonly order: string;
}

/** What can be searched for among the items of a domain. */
export interface SearchVocabulary<T> {
  /** What the items are, such as `runs`. */
  readonly plural: string;
  readonly examples: SearchExamples;
  /** The subjects by their name in a filter object, in the order in which errors list them. */
  readonly subjects: Readonly<Record<string, SearchSubject<T>>>;
  /** The subject that a name alone means. */
  readonly bare: string;
  /** How items are sorted behind, or without, the keys that a search gives. */
  readonly ties: readonly SearchTie<T>[];
}

/** Which way items are sorted. */
export type SortDirection = 'asc' | 'desc';

/** The field that a checked filter or order names. */
export function fieldOf<T>({ subjects }: SearchVocabulary<T>, subject: string, name: string): SearchField<T> {
  return subjects[subject]!.field(name)!;
}
