import { describe, expect, it } from 'vitest';
import { Tracker, MemoryStorage } from 'modelkeep';
import { tensorboardEvents } from 'modelkeep/interchange';
import { all } from '../tracking/interchange/imported.ts';

/** A reader of event files that shares nothing with the writer. */
function readEvents(file: Buffer): { wallTime: number; step: bigint; version?: string; scalars: Record<string, number> }[] {
  const crc32c = (bytes: Buffer): number => {
    let c = 0xffffffff;
    for (const byte of bytes) {
      c ^= byte;
      for (let bit = 0; bit < 8; bit++) c = (c >>> 1) ^ (0x82f63b78 & -(c & 1));
    }
    return ~c >>> 0;
  };
  const masked = (bytes: Buffer): number => {
    const c = BigInt(crc32c(bytes));
    return Number((((c >> 15n) | (c << 17n)) + 0xa282ead8n) & 0xffffffffn);
  };
  type Field = { number: number; value: bigint | Buffer };
  const fields = (message: Buffer): Field[] => {
    const found: Field[] = [];
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = BigInt(message[at++]!);
        value |= (byte & 127n) << shift;
        if (byte < 128n) return value;
      }
    };
    while (at < message.length) {
      const tag = Number(varint());
      const length = tag % 8 === 0 ? 0 : tag % 8 === 1 ? 8 : tag % 8 === 5 ? 4 : Number(varint());
      found.push({ number: tag >> 3, value: tag % 8 === 0 ? varint() : message.subarray(at, (at += length)) });
    }
    return found;
  };
  const events = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(masked(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(data));
    at += 16 + length;
    const event = { wallTime: NaN, step: 0n, scalars: {} as Record<string, number>, version: undefined as string | undefined };
    for (const { number, value } of fields(data)) {
      if (number === 1) event.wallTime = (value as Buffer).readDoubleLE();
      if (number === 2) event.step = BigInt.asIntN(64, value as bigint);
      if (number === 3) event.version = (value as Buffer).toString();
      if (number !== 5) continue;
      for (const each of fields(value as Buffer)) {
        const parts = fields(each.value as Buffer);
        event.scalars[(parts.find((part) => part.number === 1)!.value as Buffer).toString()] = (parts.find((part) => part.number === 2)!.value as Buffer).readFloatLE();
      }
    }
    events.push({ wallTime: event.wallTime, step: event.step, scalars: event.scalars, ...(event.version === undefined ? {} : { version: event.version }) });
  }
  return events;
}

async function exported(log: (run: Awaited<ReturnType<Tracker['startRun']>>) => void, options?: Parameters<typeof tensorboardEvents>[1]) {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  const run = await tracker.startRun({ experiment: 'e' });
  log(run);
  await run.end();
  const pieces: Uint8Array[] = [];
  for await (const each of tracker.exportRuns()) pieces.push(...(await all(tensorboardEvents(each, options))));
  return { events: readEvents(Buffer.concat(pieces)), pieces, startedAt: (await tracker.getRun(run.id)).startedAt };
}

describe('a TensorBoard event file', () => {
  it('has each point with its step, time and value', async () => {
    const points: [number, number, number][] = [[0, 1000, 0.5], [1, 1500.5, NaN], [-1, 2000, Infinity], [-(2 ** 53 - 1), 0, -0], [2 ** 53 - 1, 1_700_000_000_123, -Infinity], [300, 5, 1e-3], [128, 6, 3.5e38]];
    const { events, startedAt } = await exported((run) => points.forEach(([step, timestamp, value]) => run.logMetrics({ 'train/löss': value }, { step, timestamp })));
    expect(events[0]).toEqual({ wallTime: startedAt / 1000, step: 0n, version: 'brain.Event:2', scalars: {} });
    expect(events.slice(1)).toEqual(points.map(([step, timestamp, value]) => ({ wallTime: timestamp / 1000, step: BigInt(step), scalars: { 'train/löss': Math.fround(value) } })));
  });

  it('has the metrics that are asked for, in pieces', async () => {
    const { events, pieces } = await exported((run) => {
      for (let step = 0; step < 2_000; step++) run.logMetrics({ loss: step, acc: -step, [`long${'x'.repeat(240)}`]: 0 }, { step });
    }, { metrics: ['loss', 'acc'] });
    expect(pieces.length).toBeGreaterThan(2);
    expect(events).toHaveLength(4_001);
    expect(events.slice(-2)).toMatchObject([{ step: 1999n, scalars: { loss: 1999 } }, { step: 1999n, scalars: { acc: -1999 } }]);
  });

  it('of a run without points has its first event alone', async () => {
    expect((await exported(() => undefined)).events).toHaveLength(1);
  });

  it('does not hide what could not be read', async () => {
    const damage = { source: 's', where: 'f', message: 'torn.' };
    const run = { source: 's', experiment: 'e', status: 'finished' as const, startedAt: 0, params: {}, tags: {}, datasets: [], async *metrics () { yield damage; }, async *artifacts () {} };
    await expect(all(tensorboardEvents(run))).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('torn') });
    const told: unknown[] = [];
    await all(tensorboardEvents(run, { onDamage: (each) => told.push(each) }));
    expect(told).toEqual([damage]);
  });
});
