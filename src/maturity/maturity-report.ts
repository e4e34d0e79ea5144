import type { Digest } from '../core/digest.ts';
import type { RecordRef } from '../core/record-ref.ts';

/** How mature a model is kept: 0 by hand, 1 tracked and reproducible, 2 trained and validated automatically, 3 delivered automatically in a closed loop. */
export type MaturityLevel = 0 | 1 | 2 | 3;

/** A level that checks are of. */
export type CheckedLevel = 1 | 2 | 3;

/** Names a check: `T1` to `T8` are of level 1, `A1` to `A9` of level 2, `C1` to `C9` of level 3. */
export type MaturityCheckId =
  | 'T1' | 'T2' | 'T3' | 'T4' | 'T5' | 'T6' | 'T7' | 'T8'
  | 'A1' | 'A2' | 'A3' | 'A4' | 'A5' | 'A6' | 'A7' | 'A8' | 'A9'
  | 'C1' | 'C2' | 'C3' | 'C4' | 'C5' | 'C6' | 'C7' | 'C8' | 'C9';

/** What a check came to: `unknown` when the records do not tell, or there are too few of them; `n/a` when there is nothing that it could be about. */
export type MaturityStatus = 'pass' | 'fail' | 'unknown' | 'n/a';

/** What the value and the threshold of a check are: a share from 0 to 1, how many there are, or a length of time. */
export type MaturityUnit = 'share' | 'count' | 'milliseconds';

/** What one check of a model came to. */
export interface MaturityCheck {
  /** Which check. */
  readonly id: MaturityCheckId;
  /** The level that demands it. */
  readonly level: CheckedLevel;
  /** What is demanded, in words. */
  readonly title: string;
  /** Whether its level is not reached without it; the policy may say otherwise. */
  readonly required: boolean;
  /** What it came to. */
  readonly status: MaturityStatus;
  /** What was measured; absent where nothing is, or could be. */
  readonly value?: number | undefined;
  /** What the value is held to; absent where there is no such bound. */
  readonly threshold?: number | undefined;
  /** What both are; absent where there is neither. */
  readonly unit?: MaturityUnit | undefined;
  /** Why it came to that, in a sentence. */
  readonly reason: string;
  /** Records that it rests on: those that speak against it when it fails. No more than the policy's `maxEvidence`. */
  readonly evidence: readonly RecordRef[];
  /** How many such records there are in all. */
  readonly evidenceTotal: number;
  /** What to do, or what to record, so that it passes; absent when there is nothing to do. */
  readonly fix?: string | undefined;
  /** How much work the fix is by the policy; the least is to be done first. */
  readonly effort: number;
}

/** What is to be done next: the least work among the checks that keep a model from its next level. */
export interface MaturityFix {
  /** Which check it is for. */
  readonly check: MaturityCheckId;
  /** The model that it is about. */
  readonly model: string;
  /** The level that it leads to. */
  readonly level: CheckedLevel;
  /** What to do. */
  readonly fix: string;
  /** How much work it is by the policy. */
  readonly effort: number;
}

/** A level with what comes nearest to it in the two models that people know. */
export interface MappedLevel {
  /** The highest level whose required checks all pass, and those of the levels below it. */
  readonly level: MaturityLevel;
  /** The level of Google's "MLOps: continuous delivery and automation pipelines", 0 to 2. */
  readonly google: string;
  /** The level of Microsoft's "Machine Learning operations maturity model", 0 to 4. */
  readonly microsoft: string;
}

/** How mature one model in production is kept. */
export interface ModelMaturity extends MappedLevel {
  /** Name of the model. */
  readonly model: string;
  /** The version in production. */
  readonly version: number;
  /** All checks, in their order. */
  readonly checks: readonly MaturityCheck[];
  /** What to do next; absent at the highest level. */
  readonly nextFix?: MaturityFix | undefined;
}

/** How mature all of it is kept: the minimum over the models in production. */
export interface ProjectMaturity extends MappedLevel {
  /** How many models are in production and were looked at. */
  readonly models: number;
  /** How many of them are at each level, from 0 to 3. */
  readonly levels: readonly [number, number, number, number];
  /** Whether every model could be read: of one that could not, it is not known whether it is in production. */
  readonly complete: boolean;
  /** Why it is that level, in a sentence. */
  readonly reason: string;
  /** The least work among the next fixes of the models that are at the lowest level; absent at the highest. */
  readonly nextFix?: MaturityFix | undefined;
}

/** What somebody declares that no record can tell, such as that a person is on call. */
export interface MaturityAttestation {
  /** What is declared. */
  readonly statement: string;
  /** Who answers for it. */
  readonly author: string;
  /** Until when it holds, epoch milliseconds. */
  readonly expiresAt: number;
  /** The model that it is about. @default all */
  readonly model?: string | undefined;
}

/** A declaration as a report shows it: beside what was measured, never in it. */
export interface DeclaredMaturity extends MaturityAttestation {
  /** Whether it still held at the time of the report. */
  readonly status: 'valid' | 'expired';
}

/** A record that could not be read; the checks that need it are `unknown`. */
export interface MaturityDamage {
  /** What it is about, in words. */
  readonly what: string;
  /** Why it cannot be read. */
  readonly message: string;
}

/** An earlier report in short. */
export interface MaturityTrendPoint {
  /** Names the report. */
  readonly id: string;
  /** When it was made, epoch milliseconds. */
  readonly at: number;
  /** The level of the project. */
  readonly level: MaturityLevel;
  /** How many models were at each level, from 0 to 3. */
  readonly levels: readonly [number, number, number, number];
  /** How many checks of all models passed. */
  readonly passed: number;
  /** Digest of the policy: levels of different policies do not compare. */
  readonly policy: Digest;
}

/** That the files of a version were read and have the bytes that were registered. */
export interface VerifiedFiles {
  /** Name of the model. */
  readonly model: string;
  /** Number of the version. */
  readonly version: number;
  /** Identity of its contents. */
  readonly digest: Digest;
  /** When, epoch milliseconds. */
  readonly at: number;
}

/** How mature models are kept, computed from the records of a store. */
export interface MaturityReport {
  /** Names this form of the report. */
  readonly format: 'modelkeep.maturity/1';
  /** UUIDv7; names the report among those that are stored. */
  readonly id: string;
  /** The level of the project: the lowest of its models in production, 0 without any. */
  readonly level: MaturityLevel;
  /** The version of the policy, as it names itself. */
  readonly policyVersion: string;
  /** Digest of the whole policy, thresholds and all. */
  readonly policy: Digest;
  /** When it was made, epoch milliseconds. */
  readonly assessedAt: number;
  /** The time whose records were looked at. */
  readonly window: {
    /** When it began, epoch milliseconds. */
    readonly from: number;
    /** When it ended: the time of the report, epoch milliseconds. */
    readonly to: number;
  };
  /** All models together. */
  readonly project: ProjectMaturity;
  /** The models in production, by name. */
  readonly models: readonly ModelMaturity[];
  /** What was declared. */
  readonly attestations: readonly DeclaredMaturity[];
  /** The versions whose files were read for this report. */
  readonly verified: readonly VerifiedFiles[];
  /** What could not be read, at most 100 of it. */
  readonly damaged: readonly MaturityDamage[];
  /** The reports before this one, the newest first, at most as many as the policy's `trend`. */
  readonly trend: readonly MaturityTrendPoint[];
}
