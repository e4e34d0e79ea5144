import type { Undo } from './clock.ts';

/** What is known of the code that runs. */
export interface CodeRecord {
  /** Full commit id. */
  commit?: string;
  branch?: string;
  /** Address of the remote, without credentials. */
  remote?: string;
  /** Whether tracked files differ from the commit. */
  dirty?: boolean;
  /** The difference as a patch, cut at a bound that `diffTruncated` reports. */
  diff?: string;
  diffTruncated?: boolean;
  /** The script that was started. */
  entry?: string;
  /** The command line, secrets redacted. */
  command?: readonly string[];
}

/** Where a run took place: what one needs to run it again. */
export interface EnvironmentRecord {
  /** Such as `node` or `browser`. */
  runtime: string;
  runtimeVersion?: string;
  /** Operating system or browser platform. */
  platform?: string;
  architecture?: string;
  cpu?: { model?: string; cores?: number };
  memoryBytes?: number;
  code?: CodeRecord;
  /** Name and digest of the lockfile that pins the dependencies. */
  lockfile?: { name: string; digest: string };
  /** Installed versions by package name. */
  packages?: Readonly<Record<string, string>>;
}

/** How the isomorphic part learns about its host. */
export interface Environment {
  /** What is known of the host; collects once and never rejects for what it cannot find out. */
  describe(): Promise<EnvironmentRecord>;
  /** Calls `listener` when the host is about to end while work may still be done (`beforeExit`, `pagehide`). */
  onExit(listener: () => void | Promise<void>): Undo;
}
