import type { CheckedLevel, MappedLevel, MaturityCheck, MaturityFix, MaturityLevel } from './maturity-report.ts';

// Google's levels: manual process, automation of the training pipeline, automation of its delivery. Microsoft's: no MLOps, DevOps but no MLOps, automated training, automated deployment, full automation.
const mapped: Readonly<Record<MaturityLevel, Pick<MappedLevel, 'google' | 'microsoft'>>> = {
  0: { google: '0', microsoft: '0–1' },
  1: { google: '0+', microsoft: '1–2' },
  2: { google: '1', microsoft: '2–3' },
  3: { google: '2', microsoft: '4' },
};

/** A level with what comes nearest to it elsewhere. */
export function mappedLevel(level: MaturityLevel): MappedLevel {
  return { level, ...mapped[level] };
}

/** The highest level whose required checks all pass, and those of the levels below it; what a check could not be about keeps nobody from a level. */
export function levelOf(checks: readonly MaturityCheck[]): MaturityLevel {
  for (const level of [1, 2, 3] as const) if (openChecks(checks, level).length > 0) return (level - 1) as MaturityLevel;
  return 3;
}

/** What to do next for a model: the least work among what keeps it from the level above; of equals the first. */
export function nextFix(model: string, checks: readonly MaturityCheck[]): MaturityFix | undefined {
  const level = levelOf(checks);
  if (level === 3) return undefined;
  const next = (level + 1) as CheckedLevel;
  return cheapest(openChecks(checks, next).map(({ id: check, reason, fix = reason, effort }) => ({ check, model, level: next, fix, effort })));
}

/** The fix that is the least work; of equals the first. */
export function cheapest(fixes: readonly MaturityFix[]): MaturityFix | undefined {
  return fixes.reduce<MaturityFix | undefined>((least, fix) => (least === undefined || fix.effort < least.effort ? fix : least), undefined);
}

function openChecks(checks: readonly MaturityCheck[], of: CheckedLevel): MaturityCheck[] {
  return checks.filter(({ level, required, status }) => level === of && required && status !== 'pass' && status !== 'n/a');
}
