import { checks as compatibility } from './compatibility-checks.ts';
import { checks as count } from './count-checks.ts';
import { checks as detector } from './detector-checks.ts';
import { checks as distance } from './distance-checks.ts';
import { checks as distribution, gridChecks } from './distribution-checks.ts';
import { checks as effect } from './effect-checks.ts';
import { checks as generator } from './generator-checks.ts';
import type { GoldenCheck, GoldenFixture } from './golden-check.ts';
import { checks as metric } from './metric-checks.ts';
import { checks as rank } from './rank-checks.ts';
import { checks as sample } from './sample-checks.ts';

/** Everything that is held to expected values, by the fixture that has them. */
export const allChecks: Readonly<Record<GoldenFixture, readonly GoldenCheck[]>> = {
  statistics: [...generator, ...distribution, ...sample, ...rank, ...count, ...distance, ...metric, ...effect, ...detector, ...compatibility],
  distributions: gridChecks,
};

/** Golden tests that nothing is held to, each with its reason. */
export const unclaimed: Readonly<Record<string, string>> = {
  river_kswin: 'KSWIN draws a sample at random; the expected index depends on the generator of CPython, and ours is seeded and our own.',
};
