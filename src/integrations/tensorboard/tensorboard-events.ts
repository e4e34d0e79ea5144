import { utf8 } from '../../core/bytes.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { soundPoints } from '../../tracking/interchange/exported-points.ts';
import type { ImportDamage, ImportedRun } from '../../tracking/interchange/imported-run.ts';
import { EventWriter } from './event-writer.ts';

/** What is written for TensorBoard. */
export interface TensorboardEventsOptions extends OperationOptions {
  /** Names of the metrics. @default all */
  metrics?: readonly string[] | undefined;
  /** Is told what could not be read of the run, and the rest is written. @default none: the first damage is an `IntegrityError` */
  onDamage?: ((damage: ImportDamage) => void) | undefined;
}

const pieceBytes = 1 << 16;

/**
 * The metrics of a run as a TensorBoard event file, in pieces, in the order of logging: write them to `<logdir>/<run>/events.out.tfevents.<seconds>.<host>`. Each point is a scalar with its step (64-bit, negative ones too) and time. TensorBoard
 * keeps values as 32-bit floats: about seven digits are left, and larger ones than 3.4e38 are infinite. NaN and infinities are kept.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { tensorboardEvents } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.withRun({ experiment: 'demo' }, (run) => run.logMetrics({ loss: 0.5 }, { step: 1 }));
 * let bytes = 0;
 * for await (const run of tracker.exportRuns()) for await (const piece of tensorboardEvents(run)) bytes += piece.length;
 * console.log(bytes > 0); // true
 * ```
 */
export async function* tensorboardEvents(run: ImportedRun, options: TensorboardEventsOptions = {}): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const { signal, onDamage } = options;
  const wanted = options.metrics === undefined ? undefined : new Set(options.metrics);
  const writer = new EventWriter();
  writer.fileVersion(run.startedAt / 1000);
  for await (const { names, codes, steps, timestamps, values } of soundPoints(run, { signal, onDamage })) {
    const tags = names.map((name) => (wanted === undefined || wanted.has(name) ? utf8(name) : undefined));
    for (let i = 0; i < values.length; i++) {
      const tag = tags[codes[i]!];
      if (tag === undefined) continue;
      writer.scalar(timestamps[i]! / 1000, steps[i]!, tag, values[i]!);
      if (writer.size >= pieceBytes) yield writer.take();
    }
  }
  if (writer.size > 0) yield writer.take();
}
