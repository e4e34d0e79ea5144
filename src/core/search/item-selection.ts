import type { Page } from '../page.ts';
import { compileFilter } from './compile-filter.ts';
import { orderKey, placeComparator, placeOfKey, placeReader, type Place } from './item-place.ts';
import { decodeCursor, encodeCursor, type SearchQuestion } from './search-cursor.ts';
import type { SearchVocabulary } from './search-vocabulary.ts';

interface Placed<T> {
  readonly item: T;
  readonly place: Place;
}

/** Which part of the items found is wanted. */
export interface SelectOptions extends SearchQuestion {
  /** At most so many; a whole number of at least 1. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/**
 * The items that match, in order, from behind the cursor on. A cursor holds where its item stood, not how many came before: whatever comes, changes or goes between two pages, no other item is skipped or comes twice. Items are offered
 * one after the other and dropped as soon as they cannot be on the page, so that it keeps at most four times `limit`. Costs one look at every item, and n log(limit) comparisons of those that match. Throws `ValidationError` for a cursor
 * that cannot be read.
 */
export class ItemSelection<T> {
  readonly #vocabulary: SearchVocabulary<T>;
  readonly #question: SearchQuestion;
  readonly #count: number;
  readonly #matches: (item: T) => boolean;
  readonly #placeOf: (item: T) => Place;
  readonly #compare: (a: Place, b: Place) => number;
  readonly #from: Place | undefined;
  #best: Placed<T>[] = [];
  #worst: Place | undefined;

  constructor(vocabulary: SearchVocabulary<T>, { limit, after, ...question }: SelectOptions) {
    const { filter, orders } = question;
    this.#vocabulary = vocabulary;
    this.#question = question;
    this.#count = limit + 1;
    this.#matches = compileFilter(vocabulary, filter);
    this.#placeOf = placeReader(vocabulary, orders);
    this.#compare = placeComparator(vocabulary, orders);
    this.#from = after === undefined ? undefined : placeOfKey(vocabulary, orders, decodeCursor(vocabulary, question, after));
  }

  /** Where the item of the cursor stood, behind which the page begins; absent for the first page. */
  get from(): Place | undefined {
    return this.#from;
  }

  /** Looks at an item, and says whether it may be on the page or the first one behind it, as all that is known by now goes. */
  offer(item: T): boolean {
    if (!this.#matches(item)) return false;
    const place = this.#placeOf(item);
    if (this.#from !== undefined && this.#compare(place, this.#from) <= 0) return false;
    if (this.#worst !== undefined && this.#compare(place, this.#worst) > 0) return false;
    this.#best.push({ item, place });
    if (this.#best.length >= 4 * this.#count) {
      this.#sort();
      this.#worst = this.#best[this.#count - 1]!.place;
    }
    return true;
  }

  /** The page of what was offered. */
  page(): Page<T> {
    this.#sort();
    const limit = this.#count - 1;
    const items = this.#best.slice(0, limit).map(({ item }) => item);
    if (this.#best.length <= limit) return { items };
    return { items, next: encodeCursor(this.#question, orderKey(this.#vocabulary, this.#question.orders, items[limit - 1]!)) };
  }

  #sort(): void {
    this.#best = this.#best.sort((a, b) => this.#compare(a.place, b.place)).slice(0, this.#count);
  }
}
