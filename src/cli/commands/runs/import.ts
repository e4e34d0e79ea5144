import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { NotFoundError, ValidationError, isModelkeepError } from '../../../core/errors.ts';
import type { ImportRunsReport } from '../../../index.ts';
import type { RunSource } from '../../../interchange.ts';
import { defineCommand, type Command } from '../../command.ts';
import type { CliHost } from '../../host.ts';
import { countText } from '../../output/formats.ts';
import { printable } from '../../output/printable.ts';
import { UsageError } from '../../usage-error.ts';
import { moment } from '../../value-rules.ts';

const formats = ['mlflow', 'wandb', 'dvclive', 'jsonl', 'csv'] as const;
type Format = (typeof formats)[number];

export const runsImport: Command = defineCommand({
  path: ['runs', 'import'],
  summary: 'Bring runs of other trackers in: MLflow mlruns, W&B offline files, DVCLive directories, JSONL and CSV.',
  details: ['Importing again brings nothing in twice. What cannot be read is told with file and byte, and hides nothing else; then the exit code is 1. The store is made when there is none.'],
  options: {
    format: { type: 'text', value: 'FORMAT', choices: formats, description: 'What is read.', otherwise: 'what the files look like' },
    experiment: { type: 'text', short: 'e', value: 'NAME', description: 'The experiment that runs of DVCLive, JSONL or CSV are put in, where the files name none.', otherwise: 'the name of the directory or file' },
    'started-at': { type: 'text', value: 'TIME', rule: moment, description: 'When runs of JSONL or CSV began, in ISO 8601, and when points were logged that have no time.', otherwise: 'what the file says' },
    'dry-run': { type: 'flag', description: 'Only tell what would be done.' },
  },
  positionals: [{ name: 'PATH', description: 'A directory or file.' }],
  examples: [
    { command: 'runs import mlruns', does: 'All runs of an MLflow file store.' },
    { command: 'runs import wandb --dry-run', does: 'What W&B offline files would bring.' },
    { command: 'runs import runs.jsonl --store copy', does: 'What runs export wrote, into a new store.' },
  ],
  async run({ options, positionals: [path = ''], storage, out, progress, signal, host }) {
    const { Tracker } = await import('../../../index.ts');
    const runs = await sourceOf(resolve(host.directory, path), options, host, signal);
    const tracker = new Tracker({ storage: await storage({ create: true }) });
    const report = await tracker.importRuns(runs, { dryRun: options['dry-run'], signal, onProgress: progress }).catch(withOptionNamed);
    await out.result(report, () => textOf(report, options['dry-run']));
    return report.damageCount > 0 ? 1 : 0;
  },
});

interface SourceOptions {
  readonly format: string | undefined;
  readonly experiment: string | undefined;
  readonly 'started-at': string | undefined;
}

/** What is missing can be given on the command line, too, by another name. */
function withOptionNamed(error: unknown): never {
  if (!isModelkeepError(error, 'validation') || error.details['path'] !== 'startedAt') throw error;
  throw new ValidationError(error.message.replace(/give \{ startedAt \}.*$/, 'give --started-at TIME.'), { path: '--started-at', cause: error });
}

async function sourceOf(path: string, { format: asked, experiment, 'started-at': began }: SourceOptions, host: CliHost, signal: AbortSignal): Promise<RunSource> {
  const kind = await kindOf(path);
  if (kind === undefined) throw new NotFoundError(`There is nothing at ${path}; give the directory or file of the runs.`, { key: path });
  const isDirectory = kind === 'directory';
  const format = (asked as Format | undefined) ?? (await formatOf(path, isDirectory));
  if (began !== undefined && format !== 'jsonl' && format !== 'csv') throw new UsageError(`--started-at is for runs of JSONL or CSV, and ${printable(basename(path))} is of ${format}.`);
  const { csvRuns, dvcliveSource, jsonlRuns, mlrunsSource, wandbSource } = await import('../../../interchange.ts');
  const { nodeDirectory, nodeFile } = await import('../../../node.ts');
  const name = basename(path, extname(path));
  const startedAt = began === undefined ? undefined : Date.parse(began);
  switch (format) {
    case 'mlflow':
      return mlrunsSource(nodeDirectory(path), { experiments: experiment === undefined ? undefined : [experiment], signal });
    case 'wandb':
      return wandbSource(isDirectory ? nodeDirectory(path) : nodeFile(path), { signal });
    case 'dvclive':
      // The files have no time of their own, and the same directory must give the same run.
      return dvcliveSource(nodeDirectory(path), { experiment: experiment ?? name, name, startedAt: Math.floor((await stat(path)).birthtimeMs) || host.clock.now(), signal });
    case 'jsonl':
      return jsonlRuns(nodeFile(path), { experiment: experiment ?? name, startedAt, signal });
    case 'csv':
      return csvRuns(nodeFile(path), { experiment: experiment ?? name, startedAt, signal });
  }
}

async function formatOf(path: string, isDirectory: boolean): Promise<Format> {
  const name = basename(path).replace(/\.gz$/, '');
  if (!isDirectory) {
    const format = ({ '.wandb': 'wandb', '.jsonl': 'jsonl', '.ndjson': 'jsonl', '.csv': 'csv' } as const)[extname(name)];
    if (format !== undefined) return format;
  } else if (name === 'mlruns' || (await kindOf(join(path, '0', 'meta.yaml'))) === 'file') return 'mlflow';
  else if (name === 'wandb') return 'wandb';
  else if (name === 'dvclive' || (await kindOf(join(path, 'plots', 'metrics'))) === 'directory') return 'dvclive';
  throw new UsageError(`${printable(path)} does not look like any format that is known; name it with --format: ${formats.join(', ')}.`);
}

async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch {
    return undefined;
  }
}

function textOf({ imported, unchanged, damaged, damageCount, renamed }: ImportRunsReport, dryRun: boolean): string {
  const points = imported.reduce((sum, each) => sum + each.points, 0);
  return [
    `${countText(imported.length, 'run')} with ${countText(points, 'point')} ${dryRun ? 'would be imported' : 'imported'}, ${unchanged.length.toLocaleString('en')} unchanged.`,
    ...renamed.map(({ source, kind, from, to }) => printable(`Renamed: ${kind} '${from}' of ${source} is '${to}'.`)),
    ...damaged.map(({ where, offset, message }) => printable(`Damaged: ${where}${offset === undefined ? '' : ` at byte ${offset}`}: ${message}`)),
    ...(damageCount > damaged.length ? [`… and ${countText(damageCount - damaged.length, 'more', 'more')}.`] : []),
  ].join('\n');
}
