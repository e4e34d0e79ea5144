// Kills processes that write to a real directory, and compares what is left with what they were told was safe.
//   npm run soak -- [--kills 200] [--seed N] [--seconds 600]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { seededRandom } from '../../src/core/random.ts';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { Oracle } from '../storage/faults/oracle.ts';
import { BlobSoak } from './blob-soak.ts';
import type { Report } from './report.ts';
import { pause, Victim } from './victim.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    seconds: { type: 'string', default: '600' },
  },
});
const wanted = Number(values.kills);
const seed = Number(values.seed);
const seconds = Number(values.seconds);
if (![wanted, seed, seconds].every((number) => Number.isInteger(number) && number >= 0)) throw new Error('--kills, --seed and --seconds take whole numbers.');

const random = seededRandom(seed);
const started = performance.now();
const summary = { kills: 0, stores: 0, acknowledged: 0, collected: 0 };
const killsPerStore = 25;
/** Workers of each of two processes. */
const crews = [['w0', 'w1'], ['w2', 'w3']] as const;

function inTime(): boolean {
  return performance.now() - started < seconds * 1000;
}

async function killOnce(script: string, root: string, durability: string, session: number, oracle: Oracle): Promise<void> {
  const start = (crew: number): Victim<Report> =>
    new Victim(script, [root, durability, String(session), String(Math.floor(random() * 2 ** 31)), ...crews[crew]!]);
  const victims = random() < 0.3 ? [start(0), start(1)] : [start(Math.floor(random() * 2))];
  const reports: Report[][] = [];
  for (const victim of victims) {
    // Mostly in the midst of the work, sometimes while the store is being opened.
    if (random() < 0.9) await victim.begun();
    await pause(random() ** 2 * 120);
    reports.push(await victim.kill());
    summary.kills++;
  }
  for (const report of reports.flat()) {
    if ('intent' in report) oracle.begin(report.worker, report.intent);
    else oracle.acknowledge(report.worker, report.acknowledgement);
  }
  const storage = new FilesystemStorage(root, { durability: durability === 'buffered' ? 'buffered' : 'flushed', compactAt: 20_000 });
  await oracle.check(storage, 'process', random() < 0.5);
  await storage.close();
}

async function useStore(script: string, directory: string): Promise<void> {
  const root = join(directory, `store-${++summary.stores}`);
  const durability = random() < 0.7 ? 'flushed' : 'buffered';
  const oracle = new Oracle(crews.flat(), durability);
  try {
    for (let session = 1; session <= killsPerStore && summary.kills < wanted && inTime(); session++) await killOnce(script, root, durability, session, oracle);
  } catch (cause) {
    throw new Error(`The ${durability} store ${root}, which is left as it is, broke its promises: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  summary.acknowledged += oracle.acknowledged;
  await rm(root, { recursive: true });
}

async function useSharedBlobs(script: string, directory: string): Promise<void> {
  const root = join(directory, `store-${++summary.stores}`);
  const soak = new BlobSoak(script, root, random);
  try {
    for (let round = 1; round <= killsPerStore && summary.kills < wanted && inTime(); round++) summary.kills += await soak.killOnce();
    await soak.finish();
  } catch (cause) {
    throw new Error(`The store of shared blobs ${root}, which is left as it is, broke its promises: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  summary.acknowledged += soak.summary.acknowledged;
  summary.collected += soak.summary.collected;
  await rm(root, { recursive: true });
}

async function bundle(name: string, directory: string): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  await build({ entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' });
  return outfile;
}

async function main(): Promise<void> {
  console.log(`soak: seed ${seed}, ${wanted} kills, at most ${seconds} s`);
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-soak-'));
  const script = await bundle('worker', directory);
  const blobScript = await bundle('blob-worker', directory);
  // One store in four is about blobs that are shared and collected.
  while (summary.kills < wanted && inTime()) await (summary.stores % 4 === 0 ? useSharedBlobs(blobScript, directory) : useStore(script, directory));
  await rm(directory, { recursive: true });
  const took = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`soak: ${summary.kills} kills over ${summary.stores} stores, ${summary.acknowledged} calls acknowledged, ${summary.collected} blobs collected, nothing lost or torn, in ${took} s`);
  if (summary.kills < wanted) console.log(`soak: stopped after ${seconds} s, before all ${wanted} kills`);
  if (summary.acknowledged < summary.kills) throw new Error('The workers did next to nothing, so that nothing is proved.');
}

main().catch((error: unknown) => {
  console.error(`soak: seed ${seed}, kill ${summary.kills}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
});
