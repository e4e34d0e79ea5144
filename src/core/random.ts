/** A source of uniform numbers in [0, 1). */
export type Random = () => number;

/** The host's random numbers, looked up at each call so that fakes work. */
export const systemRandom: Random = () => Math.random();

/**
 * A seeded source, the same on every machine (mulberry32, by Tommy Ettinger; public domain): for samples and tests that must repeat, not for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
