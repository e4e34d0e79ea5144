import { digestOf, type Digest } from '../../src/core/digest.ts';

/** What a process tells that names and collects blobs which all share. Between `begin` and the end of a step, either state may be found. */
export type BlobReport =
  | { readonly slot: string; readonly begin: true }
  /** The slot names the blob of this text, and named it in time; or names none. */
  | { readonly slot: string; readonly named: string | null }
  /** The slot may name a blob that it named too late. */
  | { readonly slot: string; readonly late: true }
  | { readonly collected: number };

/** How long a blob may be without a name before it is collected, in milliseconds: little, so that it happens, and more than a step takes. */
export const graceMs = 200;

/** Few, so that blobs are written anew while they are collected. */
export const texts: readonly string[] = Array.from({ length: 24 }, (_, i) => `shared ${i} `.repeat(10 ** (i % 4)));

/** The blob of a text. */
export function blobOf(text: string): Digest {
  return digestOf(text);
}

/** The record of a slot. */
export function keyOf(slot: string): string {
  return `names/${slot}`;
}
