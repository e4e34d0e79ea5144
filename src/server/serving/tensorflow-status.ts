import type { VersionState, VersionStatus } from '../../serving/version-status.ts';

/** States as TensorFlow Serving has them. */
const states: Readonly<Record<VersionState, string>> = { loading: 'LOADING', warming: 'LOADING', ready: 'AVAILABLE', draining: 'UNLOADING', unloaded: 'END', failed: 'END' };

/** The state of versions, newest first, as TensorFlow Serving tells it. */
export function statusesOf(versions: readonly VersionStatus[], only: number | undefined): object[] {
  return versions
    .filter(({ version }) => only === undefined || version === only)
    .sort((a, b) => b.version - a.version)
    .map(({ version, state, error }) => ({
      version: String(version),
      state: states[state],
      status: state === 'failed' ? { error_code: 'UNKNOWN', error_message: error ?? 'It could not be loaded.' } : { error_code: 'OK', error_message: '' },
    }));
}
