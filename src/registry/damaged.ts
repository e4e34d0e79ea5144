import type { FailureRecord } from '../core/failure.ts';
import type { Page } from '../core/page.ts';
import type { ModelInfo } from './model-info.ts';
import type { ModelVersion } from './model-version.ts';

/** A model that could not be read. */
export interface DamagedModel {
  /** Its name, or the last part of its key where the name is too long to be told from that. */
  readonly model: string;
  /** Why it cannot be read. */
  readonly error: FailureRecord;
}

/** A version that could not be read. */
export interface DamagedVersion extends DamagedModel {
  /** Its number; absent when the model itself cannot be read, and with it none of its versions. */
  readonly version?: number | undefined;
}

/** Part of a list of models; it may hold fewer than were asked for and still have a `next`. */
export interface ModelPage extends Page<ModelInfo> {
  /** Models of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedModel[];
}

/** Part of a list of versions; it may hold fewer than were asked for and still have a `next`. */
export interface VersionPage extends Page<ModelVersion> {
  /** Versions of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedVersion[];
}
