import type { PipelineEvent, RegistryEvent, RunRecord } from 'modelkeep';

/** Tells the story on stdout, and how far it has come on stderr, so that the story can be piped. */
export class Story {
  readonly #start = performance.now();
  #onLine = false;

  /** A heading. */
  chapter(title: string): void {
    this.#clearProgress();
    console.log(`\n${title}\n${'─'.repeat(title.length)}`);
  }

  /** A line of the story. */
  say(line: string): void {
    this.#clearProgress();
    console.log(line);
  }

  /** Rows under each other, columns aligned; numbers should come as text. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
    for (const row of rows) this.say(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}`);
  }

  /** How far it has come: one line that is written over on a terminal, and a line each elsewhere. */
  progress(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1).padStart(5);
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${seconds} s  ${text}`);
    else process.stderr.write(`${seconds} s  ${text}\n`);
    this.#onLine = true;
  }

  #clearProgress(): void {
    if (this.#onLine && process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
    this.#onLine = false;
  }
}

/** A number of things with its thousands apart. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** What an event of a pipeline says, or nothing when it is not worth a line. */
export function describeStep(event: PipelineEvent): string | undefined {
  switch (event.type) {
    case 'step-started':
      return `${event.step} …`;
    case 'step-succeeded':
      return `${event.step}: done in ${(event.durationMs / 1000).toFixed(1)} s`;
    case 'step-failed':
    case 'step-retrying':
      return `${event.step}: ${event.failure.message}`;
    default:
      return undefined;
  }
}

/** One run as a row: name, when, how it ended, its metrics. */
export function runRow(run: RunRecord): string[] {
  const metrics = Object.entries(run.metrics)
    .filter(([name]) => name.endsWith('auc') || name === 'loss')
    .map(([name, { value }]) => `${name} ${value.toFixed(3)}`);
  return [run.name ?? run.id, new Date(run.startedAt).toISOString().slice(0, 16).replace('T', ' '), run.status, metrics.join(', ')];
}

/** One stage change of a model's history as a row; other events are left out. */
export function historyRow(event: RegistryEvent): string[] | undefined {
  if (event.type !== 'stage-changed' && event.type !== 'rolled-back') return undefined;
  const how = event.type === 'rolled-back' ? 'rolled back to' : event.data.forced ? 'forced' : 'promoted';
  return [`${how} version ${event.data.version}`, `by ${event.by}`, event.reason ?? ''];
}
