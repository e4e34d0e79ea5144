import { canonicalJson } from '../../core/codec.ts';
import { numberCell } from './csv-cell.ts';
import { eachExported, runLabel, type ExportOptions } from './exported-points.ts';
import type { RunSource } from './imported-run.ts';

const pieceLength = 1 << 16;

/**
 * Runs as a JSON object per line: first what is known of a run (`{"kind":"run","run":…,"experiment":…,"params":…}`), then each of its points (`{"run","metric","step","timestamp","value"}`, with NaN and infinities as words in quotes). Comes in
 * pieces of some thousand lines. Everything but the bytes of artifacts is in it; `jsonlRuns` reads it back into equal runs.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { exportRunsJsonl } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.withRun({ experiment: 'demo', params: { lr: 0.1 } }, (run) => run.logMetrics({ loss: 0.5 }));
 * let text = '';
 * for await (const piece of exportRunsJsonl(tracker.exportRuns())) text += piece;
 * console.log(text.trimEnd().split('\n').length); // 2
 * ```
 */
export async function* exportRunsJsonl(runs: RunSource, options: ExportOptions = {}): AsyncGenerator<string, void, undefined> {
  for await (const { run, points } of eachExported(runs, options)) {
    const { source: _source, metrics: _metrics, artifacts: _artifacts, ...facts } = run;
    const label = JSON.stringify(runLabel(run));
    let text = `{"kind":"run","run":${label},${canonicalJson(facts).slice(1)}\n`;
    for await (const { names, codes, steps, timestamps, values } of points) {
      const heads = names.map((name) => `{"run":${label},"metric":${JSON.stringify(name)},"step":`);
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        text += `${heads[codes[i]!]!}${numberCell(steps[i]!)},"timestamp":${timestamps[i]!},"value":${Number.isFinite(value) ? numberCell(value) : `"${value}"`}}\n`;
        if (text.length >= pieceLength) {
          yield text;
          text = '';
        }
      }
    }
    if (text !== '') yield text;
  }
}
