import type { EvidentlyMethod, MethodRules } from './comparison-method.ts';
import { evidently } from './evidently.ts';
import { methodRules, type ScoreColumns } from './method-rules.ts';

const tests: Readonly<Record<EvidentlyMethod, ScoreColumns>> = {
  default: (reference, current, kind) => evidently.columnDrift(reference, current, { kind }),
  psi: (reference, current, kind) => evidently.psi(reference, current, { kind }),
  jensenshannon: (reference, current, kind) => evidently.jensenShannon(reference, current, { kind }),
  kl_div: (reference, current, kind) => evidently.klDivergence(reference, current, { kind }),
  hellinger: (reference, current, kind) => evidently.hellinger(reference, current, { kind }),
  wasserstein: (reference, current) => evidently.wasserstein(reference, current),
  ed: (reference, current) => evidently.energy(reference, current),
  ks: (reference, current) => evidently.ks(reference, current),
  cramer_von_mises: (reference, current) => evidently.cramerVonMises(reference, current),
  anderson: (reference, current) => evidently.anderson(reference, current),
  mannw: (reference, current) => evidently.mannWhitney(reference, current),
  t_test: (reference, current) => evidently.studentT(reference, current),
  es: (reference, current) => evidently.eppsSingleton(reference, current),
  chisquare: (reference, current) => evidently.chiSquare(reference, current),
  g_test: (reference, current) => evidently.gTest(reference, current),
  z: (reference, current) => evidently.z(reference, current),
  fisher_exact: (reference, current) => evidently.fisherExact(reference, current),
  TVD: (reference, current) => evidently.totalVariation(reference, current),
};

/**
 * The tests of {@link evidently} by Evidently's own names, for the option `rules` of `compareData`: `default`, `psi`, `jensenshannon`, `kl_div`, `hellinger`, `wasserstein`, `ed`, `ks`, `cramer_von_mises`,
 * `anderson`, `mannw`, `t_test`, `es`, `chisquare`, `g_test`, `z`, `fisher_exact` and `TVD`, with their published thresholds and directions.
 *
 * @example
 * ```ts
 * import { compareData } from 'modelkeep';
 * import { evidentlyRules } from 'modelkeep/stats';
 *
 * const before = { delay: Float64Array.from({ length: 1000 }, (_, i) => i % 60) };
 * const after = { delay: before.delay.map((delay) => delay + 15) };
 * const report = compareData(before, after, { methods: { delay: 'evidently:psi' }, rules: [evidentlyRules] });
 * console.log(report.columns[0]?.score?.drift); // true
 * ```
 */
export const evidentlyRules: MethodRules = /* @__PURE__ */ methodRules('evidently', tests, {
  numeric: ['wasserstein', 'ed', 'ks', 'cramer_von_mises', 'anderson', 'mannw', 't_test', 'es'],
  filled: ['psi', 'kl_div'],
});
