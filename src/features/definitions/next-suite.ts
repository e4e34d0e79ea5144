import { canonicalJson } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import type { Applied } from './apply-definitions.ts';
import type { CheckSuite } from './check-suite.ts';
import type { SuiteState } from './definition-states.ts';

/** What a suite of checks makes of what is stored under its name. Nothing is made from it, so nothing breaks. */
export function nextSuite(suite: CheckSuite): (state: SuiteState | undefined, now: number) => Applied<SuiteState> {
  const digest = digestOf(canonicalJson(suite));
  return (state, now) => {
    const versions = state?.versions ?? [];
    const last = versions.at(-1);
    if (last?.digest === digest) return { version: last.version, digest, change: 'unchanged', differences: [] };
    const version = versions.length + 1;
    const next = [...versions, { version, digest, at: now, definition: suite }];
    return { state: { versions: next }, version, digest, change: last === undefined ? 'created' : 'extended', differences: [] };
  };
}
