import { beta } from '../../../src/stats/distributions/beta.ts';
import { binomial } from '../../../src/stats/distributions/binomial.ts';
import { chiSquared } from '../../../src/stats/distributions/chi-squared.ts';
import type { ContinuousDistribution, DiscreteDistribution } from '../../../src/stats/distributions/distribution.ts';
import { fisherF } from '../../../src/stats/distributions/fisher-f.ts';
import { gamma } from '../../../src/stats/distributions/gamma.ts';
import { kolmogorovSurvival } from '../../../src/stats/distributions/kolmogorov-smirnov.ts';
import { kolmogorov } from '../../../src/stats/distributions/kolmogorov.ts';
import { normal } from '../../../src/stats/distributions/normal.ts';
import { poisson } from '../../../src/stats/distributions/poisson.ts';
import { studentT } from '../../../src/stats/distributions/student-t.ts';
import { erf, erfc } from '../../../src/stats/special/erf.ts';
import { betaInc } from '../../../src/stats/special/incomplete-beta.ts';
import { gammaP, gammaQ } from '../../../src/stats/special/incomplete-gamma.ts';
import { lgamma } from '../../../src/stats/special/lgamma.ts';
import type { GoldenCheck } from './golden-check.ts';

type Numbers = Readonly<Record<string, number>>;
type Continuous = ContinuousDistribution<number[]>;

const tails = (law: Continuous, x: number, ...parameters: number[]): unknown => ({ pdf: law.pdf(x, ...parameters), cdf: law.cdf(x, ...parameters), sf: law.sf(x, ...parameters) });
const counts = (law: DiscreteDistribution<number[]>, k: number, ...parameters: number[]): unknown => ({
  pmf: law.pmf(k, ...parameters),
  cdf: law.cdf(k, ...parameters),
  sf: law.sf(k, ...parameters),
});

function check(name: string, test: string, actual: (input: Numbers) => unknown): GoldenCheck<Numbers> {
  return { name, test, actual };
}

/** Distributions and special functions at the values that all agree on. */
export const checks: readonly GoldenCheck[] = [
  check('erf', 'erf', ({ x }) => ({ erf: erf(x!), erfc: erfc(x!) })),
  check('lgamma', 'lgamma', ({ x }) => lgamma(x!)),
  check('normal', 'normal', ({ x }) => tails(normal, x!)),
  check('normal.quantile', 'normal_ppf', ({ p }) => normal.quantile(p!)),
  check('studentT', 't', ({ x, df }) => tails(studentT, x!, df!)),
  check('studentT.quantile', 't_ppf', ({ p, df }) => studentT.quantile(p!, df!)),
  check('chiSquared', 'chi2', ({ x, df }) => tails(chiSquared, x!, df!)),
  check('chiSquared.quantile', 'chi2_ppf', ({ p, df }) => chiSquared.quantile(p!, df!)),
  check('fisherF', 'f', ({ x, d1, d2 }) => tails(fisherF, x!, d1!, d2!)),
  check('fisherF.quantile', 'f_ppf', ({ p, d1, d2 }) => fisherF.quantile(p!, d1!, d2!)),
  check('beta', 'beta', ({ x, a, b }) => tails(beta, x!, a!, b!)),
  check('beta.quantile', 'beta_ppf', ({ p, a, b }) => beta.quantile(p!, a!, b!)),
  check('gamma', 'gamma', ({ x, a, scale }) => tails(gamma, x!, a!, scale!)),
  check('gamma.quantile', 'gamma_ppf', ({ p, a }) => gamma.quantile(p!, a!)),
  check('binomial', 'binomial', ({ k, n, p }) => counts(binomial, k!, n!, p!)),
  check('poisson', 'poisson', ({ k, mu }) => counts(poisson, k!, mu!)),
  check('kolmogorov.sf', 'kolmogorov_sf', ({ x }) => kolmogorov.sf(x!)),
  check('the law of Kolmogorov and Smirnov for n values', 'kstwo_sf', ({ n, d }) => kolmogorovSurvival(n!, d!)),
];

/** The same over a wide grid with quantiles, to sixty digits. */
export const gridChecks: readonly GoldenCheck[] = [
  check('erf', 'erf', ({ x }) => erf(x!)),
  check('erfc', 'erfc', ({ x }) => erfc(x!)),
  check('lgamma', 'lgamma', ({ x }) => lgamma(x!)),
  check('gammaP', 'gamma_p', ({ a, x }) => gammaP(a!, x!)),
  check('gammaQ', 'gamma_q', ({ a, x }) => gammaQ(a!, x!)),
  check('betaInc', 'beta_inc', ({ a, b, x }) => betaInc(a!, b!, x!)),
  check('normal', 'normal', ({ x }) => tails(normal, x!)),
  check('studentT', 'student_t', ({ x, df }) => tails(studentT, x!, df!)),
  check('chiSquared', 'chi_squared', ({ x, df }) => tails(chiSquared, x!, df!)),
  check('fisherF', 'fisher_f', ({ x, df1, df2 }) => tails(fisherF, x!, df1!, df2!)),
  check('beta', 'beta', ({ x, a, b }) => tails(beta, x!, a!, b!)),
  check('gamma', 'gamma', ({ x, shape, scale }) => tails(gamma, x!, shape!, scale ?? 1)),
  check('binomial', 'binomial', ({ k, n, p }) => counts(binomial, k!, n!, p!)),
  check('poisson', 'poisson', ({ k, mu }) => counts(poisson, k!, mu!)),
  check('kolmogorov', 'kolmogorov', ({ x }) => tails(kolmogorov, x!)),
  check('normal.quantile', 'normal_quantile', ({ p }) => normal.quantile(p!)),
  check('studentT.quantile', 'student_t_quantile', ({ p, df }) => studentT.quantile(p!, df!)),
  check('chiSquared.quantile', 'chi_squared_quantile', ({ p, df }) => chiSquared.quantile(p!, df!)),
  check('fisherF.quantile', 'fisher_f_quantile', ({ p, df1, df2 }) => fisherF.quantile(p!, df1!, df2!)),
  check('beta.quantile', 'beta_quantile', ({ p, a, b }) => beta.quantile(p!, a!, b!)),
  check('gamma.quantile', 'gamma_quantile', ({ p, shape }) => gamma.quantile(p!, shape!)),
  check('binomial.quantile', 'binomial_quantile', ({ q, n, p }) => binomial.quantile(q!, n!, p!)),
  check('poisson.quantile', 'poisson_quantile', ({ p, mu }) => poisson.quantile(p!, mu!)),
  check('kolmogorov.quantile', 'kolmogorov_quantile', ({ p }) => kolmogorov.quantile(p!)),
];
