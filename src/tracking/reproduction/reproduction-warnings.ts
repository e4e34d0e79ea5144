import type { RunRecord } from '../run-record.ts';
import type { Reproduction } from './reproduction.ts';
import { hasUnseededShuffle } from './seed-of.ts';

/** What kind of thing may keep a run from coming out the same again. */
export type ReproductionWarningCode =
  | 'no-environment'
  | 'no-commit'
  | 'no-remote'
  | 'dirty-tree'
  | 'dirty-tree-without-diff'
  | 'dirty-tree-truncated-diff'
  | 'no-command'
  | 'command-redacted'
  | 'entry-outside'
  | 'entry-untracked'
  | 'entry-from-stdin'
  | 'no-runtime-version'
  | 'no-lockfile'
  | 'no-seed'
  | 'unseeded-shuffle'
  | 'no-datasets'
  | 'dataset-without-fingerprint'
  | 'dataset-without-source'
  | 'not-finished';

/** Something that may keep a run from coming out the same again. */
export interface ReproductionWarning {
  /** Stable, for programs. */
  readonly code: ReproductionWarningCode;
  /** What is missing and what to do about it in runs to come. */
  readonly message: string;
}

/** What speaks against a recipe. */
export function reproductionWarnings(recipe: Omit<Reproduction, 'warnings' | 'steps'>, run: RunRecord): ReproductionWarning[] {
  const warnings: ReproductionWarning[] = [];
  const warn = (code: ReproductionWarningCode, message: string): void => void warnings.push({ code, message });
  if (run.status !== 'finished') warn('not-finished', `The run is ${run.status}, so there may be nothing complete to come out the same as.`);
  if (recipe.environment === undefined) warn('no-environment', 'Nothing is known of where it ran; give the tracker an environment, such as nodeEnvironment().');
  warnOfCode(recipe, warn);
  if (recipe.environment !== undefined) {
    if (recipe.environment.runtimeVersion === undefined) warn('no-runtime-version', 'The version of the runtime is not known.');
    if (recipe.environment.lockfile === undefined) warn('no-lockfile', 'No lockfile pinned the dependencies, so others may be installed; commit one.');
  }
  if (recipe.seed === undefined) warn('no-seed', 'No seed is recorded; seed the random generators and log it as the param seed.');
  if (hasUnseededShuffle(run)) warn('unseeded-shuffle', 'The data were shuffled by a generator without a seed; shuffle them yourself with a seed, and train with shuffle: false.');
  if (recipe.datasets.length === 0) warn('no-datasets', 'No dataset was logged, so what it was trained on cannot be told; log it with run.logDataset().');
  for (const { name, role, fingerprint, source } of recipe.datasets) {
    if (fingerprint === undefined) warn('dataset-without-fingerprint', `Dataset '${name}' (${role}) has no fingerprint, so a change of its contents would not be seen; log it with its contents.`);
    if (source === undefined) warn('dataset-without-source', `Dataset '${name}' (${role}) does not say where it came from; log it with its source.`);
  }
  return warnings;
}

function warnOfCode(recipe: Omit<Reproduction, 'warnings' | 'steps'>, warn: (code: ReproductionWarningCode, message: string) => void): void {
  const { commit, remote, dirty, diff, diffTruncated, entry, entryTracked, command } = recipe;
  if (commit === undefined) warn('no-commit', 'The commit of the code is not known; run it from a git repository with a commit.');
  else if (remote === undefined) warn('no-remote', 'The repository has no remote, so the commit may be on one machine only; push it somewhere.');
  if (dirty) {
    if (!diff) warn('dirty-tree-without-diff', 'Tracked files differed from the commit, and how is not recorded; commit before running.');
    else if (diffTruncated) warn('dirty-tree-truncated-diff', 'Tracked files differed from the commit, and only the beginning of the difference is recorded; commit before running.');
    else warn('dirty-tree', 'Tracked files differed from the commit; apply the recorded diff, which leaves out untracked files and those that hold secrets.');
  }
  if (command === undefined || command.length === 0) warn('no-command', 'The command line is not known.');
  else if (command.some((arg) => arg.includes('[redacted]'))) warn('command-redacted', 'Secrets were taken out of the command line; put them in by hand.');
  if (entry === '-') warn('entry-from-stdin', 'The program came from standard input, so the command line does not bring it back; run it from a file.');
  else if (entry !== undefined && entryTracked === false) warn('entry-untracked', `The script ${entry} was not in git, so neither the commit nor the recorded diff has it; add it before running.`);
  else if (entry !== undefined && isOutside(entry)) warn('entry-outside', `The script ${entry} is outside of the directory it was started from, so the commit may not contain it.`);
}

function isOutside(entry: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:[/\\]|\.\.[/\\])/.test(entry);
}
