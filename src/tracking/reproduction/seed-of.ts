import type { RunRecord } from '../run-record.ts';

/** What random generators were seeded with, and where that is written. */
export interface RecordedSeed {
  /** As it was recorded. */
  readonly value: string | number;
  /** `run`, or `param` or `tag` with its name. */
  readonly from: string;
}

/**
 * The seed of a run: the one it was started with, else a param, else a tag that is called `seed` or `randomSeed`, in any spelling and in any folder (`random_seed`,
 * `train/seed`).
 */
export function seedOf({ seed, params, tags }: RunRecord): RecordedSeed | undefined {
  if (seed !== undefined) return { value: seed, from: 'run' };
  for (const [kind, values] of [['param', params], ['tag', tags]] as const) {
    for (const [name, value] of Object.entries(values)) {
      if (!isSeedName(name)) continue;
      if (typeof value === 'number' || typeof value === 'string') return { value, from: `${kind} ${name}` };
      if (typeof value === 'bigint') return { value: String(value), from: `${kind} ${name}` };
    }
  }
  return undefined;
}

/** Whether data were shuffled by a generator that nobody seeded: `shuffle` is on, as a param or tag in any folder, and no `shuffleSeed` is given. */
export function hasUnseededShuffle({ params, tags }: RunRecord): boolean {
  const all = [...Object.entries(params), ...Object.entries(tags)].map(([name, value]) => [plainName(name), value] as const);
  if (all.some(([name, value]) => name === 'unseededshuffle' && isOn(value))) return true;
  return all.some(([name, value]) => name === 'shuffle' && isOn(value)) && !all.some(([name]) => name === 'shuffleseed');
}

function isSeedName(name: string): boolean {
  const plain = plainName(name);
  return plain === 'seed' || plain === 'randomseed';
}

/** The last part of a name, in small letters alone. */
function plainName(name: string): string {
  return name.split(/[/.:]/).at(-1)!.toLowerCase().replace(/[^a-z]/g, '');
}

function isOn(value: unknown): boolean {
  return value === true || value === 'true' || value === 'batch';
}
