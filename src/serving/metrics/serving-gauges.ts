import type { Arm } from '../prediction.ts';
import type { VersionStatus } from '../version-status.ts';
import type { MetricFamilies } from './metric-family.ts';

/** What share of the requests a version is meant to answer. */
export interface TrafficShare {
  readonly version: number;
  readonly arm: Arm | 'shadow';
  /** From 0 to 1. */
  readonly share: number;
}

/** What is true of a deployment now, or was counted elsewhere in it; what is absent is not told. */
export interface ServingGauges {
  readonly versions: readonly VersionStatus[];
  /** Versions that became ready, since the process began. */
  readonly loaded?: number | undefined;
  /** Versions whose memory was given back, since the process began. */
  readonly disposed?: number | undefined;
  /** Loads that failed, since the process began. */
  readonly failedLoads?: number | undefined;
  readonly traffic?: readonly TrafficShare[] | undefined;
  /** Copies for shadows that were not made for want of room. */
  readonly shadowDropped?: number | undefined;
  /** Events that the prediction log let go. */
  readonly logDropped?: number | undefined;
  /** Events that wait to be stored by the prediction log. */
  readonly logBuffered?: number | undefined;
}

/** Adds what is true now. */
export function addGauges(families: MetricFamilies, model: string, gauges: ServingGauges): void {
  for (const { version, state, inFlight, queued, bytes } of gauges.versions) {
    const labels = { model, version: String(version) };
    families.gauge('modelkeep_version_ready', 'Whether a version is ready to answer: 1 or 0.', labels, state === 'ready' ? 1 : 0);
    families.gauge('modelkeep_version_in_flight', 'Requests that are in a version now.', labels, inFlight);
    families.gauge('modelkeep_version_queued', 'Requests that wait for a version now.', labels, queued);
    families.gauge('modelkeep_version_memory_bytes', 'Bytes that a version holds in memory, as its model tells them.', labels, bytes);
  }
  for (const { version, arm, share } of gauges.traffic ?? []) {
    families.gauge('modelkeep_traffic_share_ratio', 'The share of requests that a version is meant to answer, from 0 to 1.', { model, version: String(version), arm }, share);
  }
  const counters = [
    ['modelkeep_versions_loaded_total', 'Versions that became ready.', gauges.loaded],
    ['modelkeep_versions_disposed_total', 'Versions whose memory was given back.', gauges.disposed],
    ['modelkeep_version_load_failures_total', 'Loads of versions that failed.', gauges.failedLoads],
    ['modelkeep_shadow_dropped_total', 'Copies for shadows that were not made for want of room.', gauges.shadowDropped],
    ['modelkeep_prediction_log_dropped_total', 'Events that the prediction log let go for want of room or because they could not be encoded.', gauges.logDropped],
  ] as const;
  for (const [name, help, value] of counters) if (value !== undefined) families.counter(name, help, { model }, value);
  if (gauges.logBuffered !== undefined) families.gauge('modelkeep_prediction_log_buffered', 'Events of the prediction log that are not stored yet.', { model }, gauges.logBuffered);
}
