import type { SeededGenerator } from '../seeded-generator.ts';

/** A whole number from 0 to `size` - 1 by one multiplication. No number is likelier than another by more than size / 2^32, which no resample can show. */
export function drawIndex(size: number, generator: SeededGenerator): number {
  return Math.floor(generator.bits() * (size / 4_294_967_296));
}
