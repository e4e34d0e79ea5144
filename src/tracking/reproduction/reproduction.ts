import type { Digest } from '../../core/digest.ts';
import type { EnvironmentRecord } from '../../core/environment.ts';
import { codeOf } from '../comparison/compare-runs.ts';
import type { RunDetails } from '../comparison/run-details.ts';
import type { ParamValues } from '../run-record.ts';
import { reproductionSteps } from './reproduction-steps.ts';
import { reproductionWarnings, type ReproductionWarning } from './reproduction-warnings.ts';
import { seedOf, type RecordedSeed } from './seed-of.ts';

/** Data that a run needs. */
export interface ReproductionDataset {
  /** As it was logged. */
  readonly name: string;
  /** What it served for. */
  readonly role: string;
  /** What its contents must come to; absent where only its source was recorded. */
  readonly fingerprint?: Digest | undefined;
  /** Where it came from. */
  readonly source?: string | undefined;
}

/** The recipe of a run: what one needs to do it again, what speaks against its coming out the same, and what to do. */
export interface Reproduction {
  /** Id of the run. */
  readonly run: string;
  /** Name of its experiment. */
  readonly experiment: string;
  /** Full commit id. */
  readonly commit?: string | undefined;
  /** The branch that was checked out. */
  readonly branch?: string | undefined;
  /** Address of the remote, without credentials. */
  readonly remote?: string | undefined;
  /** Whether tracked files differed from the commit. */
  readonly dirty?: boolean | undefined;
  /** That difference as a patch. */
  readonly diff?: string | undefined;
  /** Whether `diff` is only its beginning. */
  readonly diffTruncated?: boolean | undefined;
  /** The working directory as seen from the top of the repository; absent at the top. */
  readonly directory?: string | undefined;
  /** The script that was started; `-` for a program that came from standard input. */
  readonly entry?: string | undefined;
  /** Whether git had that script. */
  readonly entryTracked?: boolean | undefined;
  /** The command line, secrets redacted. */
  readonly command?: readonly string[] | undefined;
  /** All params. */
  readonly params: ParamValues;
  /** The seed, wherever it was recorded. */
  readonly seed?: RecordedSeed | undefined;
  /** The data it used. */
  readonly datasets: readonly ReproductionDataset[];
  /** Where it took place, but its code. */
  readonly environment?: Omit<EnvironmentRecord, 'code'> | undefined;
  /** Ids of the runs that it was part of. */
  readonly parents: readonly string[];
  /** What may keep another run from coming out the same. */
  readonly warnings: readonly ReproductionWarning[];
  /** What to do, one thing after the other, for a person at a POSIX shell. */
  readonly steps: readonly string[];
}

/** The recipe of a run, from what the store knows of it. Nothing is looked up: a commit may be gone from its remote, and data from their source. */
export function reproductionOf(details: RunDetails): Reproduction {
  const { run } = details;
  const { commit, branch, remote, dirty, diff, diffTruncated, directory, entry, entryTracked, command } = codeOf(details);
  const { code: _, ...environment } = details.environment ?? { runtime: '' };
  const recipe = {
    run: run.id,
    experiment: run.experiment,
    commit,
    branch,
    remote,
    dirty,
    diff,
    diffTruncated,
    directory,
    entry,
    entryTracked,
    command,
    params: run.params,
    seed: seedOf(run),
    datasets: details.datasets.map(({ name, role, fingerprint, source }) => ({ name, role, fingerprint, ...(source === undefined ? {} : { source }) })),
    environment: details.environment && environment,
    parents: run.parent === undefined ? [] : [run.parent],
  };
  // What is not known is left out rather than being there as undefined.
  const known = Object.fromEntries(Object.entries(recipe).filter(([, value]) => value !== undefined)) as unknown as typeof recipe;
  return { ...known, warnings: reproductionWarnings(recipe, run), steps: reproductionSteps(recipe) };
}
