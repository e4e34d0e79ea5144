// Kills processes amid runs of random pipelines, and compares what these come to with what they would have.
// Fails when it did not come to so many kills in the time that it is given.
//   npm run soak:pipelines -- [--kills 60] [--seed N] [--seconds 600]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../../src/core/random.ts';
import { childProgram } from '../../child-program.ts';
import { CrashRound, type CrashSummary } from './crash-round.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    seconds: { type: 'string', default: '600' },
  },
});
const [wanted, seed, seconds] = [Number(values.kills), Number(values.seed), Number(values.seconds)];
if (![wanted, seed, seconds].every((number) => Number.isInteger(number) && number >= 0)) throw new Error('--kills, --seed and --seconds take whole numbers.');

const summary: CrashSummary = { kills: 0, runs: 0, interrupted: 0, recorded: 0 };
const killsPerStore = 25;
const runsAtOnce = 4;
// Stores whose processes are killed at the same time: those of one start while those of the others work or wait.
const stores = 4;

/** Fills stores with runs one after the other, until there were enough kills. */
async function soak(script: string, random: () => number, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-soak-'));
    let kills = 0;
    try {
      const round = new CrashRound(script, directory, random, summary);
      while (goesOn() && kills < killsPerStore) {
        const numbers = Array.from({ length: runsAtOnce }, () => Math.floor(random() * 2 ** 31));
        kills += await round.play(numbers, 2 + Math.floor(random() * 6));
      }
    } catch (cause) {
      throw new Error(`The store ${directory}, which is left as it is, broke its promises: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    await rm(directory, { recursive: true });
  }
}

async function main(): Promise<void> {
  console.log(`soak: seed ${seed}, ${wanted} kills, at most ${seconds} s`);
  const script = childProgram('pipeline-worker.ts', import.meta.url);
  const began = performance.now();
  let broken = false;
  const goesOn = (): boolean => !broken && summary.kills < wanted && performance.now() - began < seconds * 1000;
  const all = Array.from({ length: stores }, (_, i) =>
    soak(script, seededRandom(seed + i), goesOn).catch((error: unknown) => {
      broken = true;
      throw error;
    }),
  );
  for (const ended of await Promise.allSettled(all)) if (ended.status === 'rejected') throw ended.reason as Error;
  const took = (performance.now() - began) / 1000;
  const { kills, runs, interrupted, recorded } = summary;
  console.log(`soak: ${kills} kills, ${(kills / took).toFixed(1)} a second, ${runs} runs compared, interrupted ${interrupted} times, ${recorded} recorded units left alone, in ${took.toFixed(1)} s`);
  if (kills < wanted) throw new Error(`The ${seconds} s were over before all ${wanted} kills.`);
  if (interrupted < kills / 2) throw new Error('Most processes had nothing left to do when they were killed, so that little is proved.');
}

main().catch((error: unknown) => {
  console.error(`soak: seed ${seed}, kill ${summary.kills}:`, error);
  process.exitCode = 1;
});
