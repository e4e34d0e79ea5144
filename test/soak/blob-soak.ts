import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { collectBytes, fromUtf8 } from '../../src/core/bytes.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import type { Random } from '../../src/core/random.ts';
import { FilesystemStorage } from '../../src/filesystem.ts';
import { collectGarbage } from '../../src/storage/collect-garbage.ts';
import { listAll } from '../../src/storage/records.ts';
import { blobOf, graceMs, keyOf, type BlobReport } from './shared-blobs.ts';
import { pause, Victim } from './victim.ts';

/** Workers of each of two processes. */
const crews = [['w0', 'w1'], ['w2', 'w3']] as const;

/**
 * Kills processes that give names to blobs which all share, take them away, and collect the blobs without one. What must hold: a blob that was named in time is there, and
 * once nothing runs, what is collected leaves only what has a name.
 */
export class BlobSoak {
  readonly #script: string;
  readonly #root: string;
  readonly #random: Random;
  /** What each slot names, as far as it is certain. */
  readonly #named = new Map<string, string | null | undefined>();
  /** Steps that were acknowledged, and blobs that were collected. */
  readonly summary = { acknowledged: 0, collected: 0 };

  constructor(script: string, root: string, random: Random) {
    this.#script = script;
    this.#root = root;
    this.#random = random;
  }

  /** Kills one process or two in the midst of their work, and gives how many. */
  async killOnce(): Promise<number> {
    const random = this.#random;
    const start = (crew: number): Victim<BlobReport> => new Victim(this.#script, [this.#root, String(Math.floor(random() * 2 ** 31)), ...crews[crew]!]);
    const victims = random() < 0.5 ? [start(0), start(1)] : [start(Math.floor(random() * 2))];
    for (const victim of victims) {
      if (random() < 0.9) await victim.begun();
      await pause(random() ** 2 * 600);
      for (const report of await victim.kill()) this.#learn(report);
    }
    await this.#check();
    return victims.length;
  }

  #learn(report: BlobReport): void {
    if ('collected' in report) {
      this.summary.collected += report.collected;
      return;
    }
    this.#named.set(report.slot, 'named' in report ? report.named : undefined);
    if (!('begin' in report)) this.summary.acknowledged++;
  }

  async #check(): Promise<void> {
    await using storage = new FilesystemStorage(this.#root);
    for (const [slot, text] of this.#named) {
      if (text === undefined) continue;
      const [record] = await storage.read([keyOf(slot)]);
      const found = record && fromUtf8(record.bytes);
      if ((found ?? null) !== text) throw new Error(`${slot} names ${text?.slice(0, 20)}, and its record says ${found?.slice(0, 20)}`);
      if (text === null) continue;
      const chunks = await storage.readBlob(blobOf(text));
      if (chunks === undefined || fromUtf8(await collectBytes(chunks)) !== text) throw new Error(`${slot} names ${blobOf(text)}, which is ${chunks ? 'something else' : 'lost'}`);
    }
  }

  /** Collects twice with the grace over, and looks at what is left. */
  async finish(): Promise<void> {
    await using storage = new FilesystemStorage(this.#root);
    for (const later of [0, 1, 2]) await collectGarbage(storage, { grace: graceMs, clock: ahead(later * 2 * graceMs) });
    const named = new Set<string>();
    for await (const { key } of listAll(storage, { prefix: 'names/' })) for (const digest of (await storage.read([key]))[0]!.blobs) named.add(digest);
    const left: string[] = [];
    for await (const { key } of listAll(storage, { kind: 'blob' })) left.push(key);
    if (left.join() !== [...named].sort().join()) throw new Error(`${left.length} blobs are left where ${named.size} have a name`);
    const folder = join(this.#root, 'blobs/sha256');
    const files = (await readdir(folder, { recursive: true })).filter((path) => path.includes('~'));
    const beside = files.filter((path) => !named.has(`sha256:${path.slice(3, 67)}`));
    if (beside.length > 0) throw new Error(`Files were taken aside and are left: ${beside.join(', ')}`);
    await this.#check();
  }
}

function ahead(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms };
}
