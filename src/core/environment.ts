import type { Undo } from './clock.ts';
import type { SystemMetrics } from './system-metrics.ts';

/** What is known of the code that runs. */
export interface CodeRecord {
  /** Full commit id. */
  commit?: string;
  /** The branch that is checked out; absent when the commit is checked out by itself. */
  branch?: string;
  /** Address of the remote, without credentials. */
  remote?: string;
  /** Whether tracked files differ from the commit. */
  dirty?: boolean;
  /** The difference as a patch, without files that hold secrets, cut at a bound that `diffTruncated` reports. */
  diff?: string;
  /** Whether `diff` is only the beginning of the difference. */
  diffTruncated?: boolean;
  /** The working directory as seen from the top of the repository, such as `packages/app`; absent at the top, and where there is none. */
  directory?: string;
  /** The script that was started, as seen from the working directory where it lies inside; `-` for a program that came from standard input. */
  entry?: string;
  /** Whether git has that script, in the commit or the index; absent where that is not known. */
  entryTracked?: boolean;
  /** The command line, secrets redacted. */
  command?: readonly string[];
}

/** Where a run took place: what one needs to run it again. */
export interface EnvironmentRecord {
  /** Such as `node` or `browser`. */
  runtime: string;
  /** The version of the runtime as it names it, such as `v22.11.0`. */
  runtimeVersion?: string;
  /** Operating system or browser platform. */
  platform?: string;
  /** The processor's instruction set, such as `x64` or `arm64`. */
  architecture?: string;
  /** The processor; each part is absent where the host does not tell. */
  cpu?: {
    /** Its name, as its maker writes it. */
    model?: string;
    /** How many threads it runs at once. */
    cores?: number;
  };
  /** The memory of the whole machine, in bytes. */
  memoryBytes?: number;
  /** The graphics processor, as the host names it; absent where it does not tell or was not asked. */
  gpu?: string;
  /** The code that ran; absent where the host cannot know it. */
  code?: CodeRecord;
  /** The lockfile that pins the dependencies; absent where none was found. */
  lockfile?: {
    /** The name of its file, such as `package-lock.json`. */
    name: string;
    /** The digest of its content, `sha256:` and 64 hexadecimal digits. */
    digest: string;
  };
  /** Installed versions by package name. */
  packages?: Readonly<Record<string, string>>;
}

/** How the isomorphic part learns about its host. */
export interface Environment {
  /** What is known of the host; collects once and never rejects for what it cannot find out. */
  describe(): Promise<EnvironmentRecord>;
  /** Calls `listener` when the host is about to end while work may still be done (`beforeExit`, `pagehide`). */
  onExit(listener: () => void | Promise<void>): Undo;
  /** The load of the host, which runs log unless they are told not to. */
  readonly systemMetrics?: SystemMetrics | undefined;
}
