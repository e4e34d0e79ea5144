import * as z from 'zod/mini';
import { describeFailure, type FailureRecord } from '../core/failure.ts';
import { isSegment } from '../core/key.ts';
import { signalOption } from '../core/option-schemas.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { StorageAdapter } from './contract.ts';
import { readEachHead, readSubject, type HeadLocation } from './head-record.ts';
import { namesBelow, type NameBelow } from './names-below.ts';
import { isDamage } from './read-each.ts';
import { storageOption } from './storage-option.ts';

/** Which part of what a store holds of a kind is listed. */
export interface StoreListOptions extends OperationOptions {
  /** The store. */
  readonly storage: StorageAdapter;
  /** At most this many, up to 1,000. @default 100 */
  readonly limit?: number | undefined;
  /** The `next` of the page before. @default the first page */
  readonly after?: string | undefined;
}

/** Something of a store that cannot be read. */
export interface DamagedItem {
  /** Its name, or the last part of its key where the name is too long to be told from that. */
  readonly name: string;
  /** Why it cannot be read. */
  readonly error: FailureRecord;
}

/** A head record with the name that it is kept under. */
export interface NamedHead<S> {
  readonly name: string;
  readonly state: S;
}

/** Part of the head records below a folder. */
export interface HeadPage<S> extends Page<NamedHead<S>> {
  /** Those of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedItem[];
}

const schema = z.strictObject({
  storage: storageOption,
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  after: z.optional(z.string().check(z.refine(isSegment, "must be the 'next' of the page before"))),
  signal: signalOption,
});

/** Checks which part of a list is asked for; one has 100 items unless told otherwise. */
export function checkStoreList(options: StoreListOptions): StoreListOptions & { readonly limit: number } {
  const checked = check(schema, options, 'options');
  return { ...checked, limit: checked.limit ?? 100 };
}

/** A page of the head records directly below a folder such as `monitors/`, ascending by their keys, with what cannot be read apart. */
export async function listHeads<S>(folder: string, options: StoreListOptions): Promise<HeadPage<S>> {
  const { storage, limit, after, signal } = checkStoreList(options);
  const page = await namesBelow(storage, folder, { with: 'record', limit, after, signal });
  const keys = page.items.map(({ segment }) => folder + segment);
  const heads = await readEachHead<S>(storage, keys, { signal });
  const names = await Promise.all(page.items.map((item, i) => nameOf({ storage, key: keys[i]! }, item, { signal })));
  const items: NamedHead<S>[] = [];
  const damaged: DamagedItem[] = [];
  for (const [i, head] of heads.entries()) {
    // It was deleted meanwhile.
    if (head === undefined) continue;
    if ('error' in head) damaged.push({ name: names[i]!, error: describeFailure(head.error) });
    else items.push({ name: names[i]!, state: head.state });
  }
  return { items, damaged, ...(page.next !== undefined && { next: page.next }) };
}

/** A name that is too long for a key is told by whatever happened under it. */
async function nameOf(at: HeadLocation, { name, segment }: NameBelow, options: OperationOptions): Promise<string> {
  if (name !== undefined) return name;
  try {
    return (await readSubject(at, options))?.id ?? segment;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return segment;
  }
}
