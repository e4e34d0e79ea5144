// Kills processes amid runs of random pipelines, and compares what these come to with what they would have.
//   npm run soak:pipelines -- [--kills 60] [--seed N] [--seconds 60]
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
    seconds: { type: 'string', default: '60' },
  },
});
const [wanted, seed, seconds] = [Number(values.kills), Number(values.seed), Number(values.seconds)];
if (![wanted, seed, seconds].every((number) => Number.isInteger(number) && number >= 0)) throw new Error('--kills, --seed and --seconds take whole numbers.');

const summary: CrashSummary = { kills: 0, runs: 0, interrupted: 0, recorded: 0 };
const killsPerStore = 25;
const runsAtOnce = 4;

async function main(): Promise<void> {
  console.log(`soak: seed ${seed}, ${wanted} kills, at most ${seconds} s`);
  const random = seededRandom(seed);
  const script = childProgram('pipeline-worker.ts', import.meta.url);
  const began = performance.now();
  const goesOn = (): boolean => summary.kills < wanted && performance.now() - began < seconds * 1000;
  while (goesOn()) {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-soak-'));
    try {
      const round = new CrashRound(script, directory, random, summary);
      for (const before = summary.kills; goesOn() && summary.kills - before < killsPerStore; ) {
        const numbers = Array.from({ length: runsAtOnce }, () => Math.floor(random() * 2 ** 31));
        await round.play(numbers, 1 + Math.floor(random() * 3));
      }
    } catch (cause) {
      throw new Error(`The store ${directory}, which is left as it is, broke its promises: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    await rm(directory, { recursive: true });
  }
  const took = ((performance.now() - began) / 1000).toFixed(1);
  const { kills, runs, interrupted, recorded } = summary;
  console.log(`soak: ${kills} kills, ${runs} runs compared, interrupted ${interrupted} times, ${recorded} recorded units left alone, in ${took} s`);
  if (kills < wanted) console.log(`soak: stopped after ${seconds} s, before all ${wanted} kills`);
  if (interrupted < kills / 2) throw new Error('Most processes had nothing left to do when they were killed, so that little is proved.');
}

main().catch((error: unknown) => {
  console.error(`soak: seed ${seed}, kill ${summary.kills}:`, error);
  process.exitCode = 1;
});
