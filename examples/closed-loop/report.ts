import type { RolloutEvent } from 'modelkeep';
import { renderReport } from 'modelkeep/report';
import { testName } from './challenger-test.ts';
import type { LoopHistory } from './history.ts';

/** The whole history as one page. */
export function reportOf(history: LoopHistory): string {
  const { model, versions, lineage, registry, runs, losses, rollouts, verdicts, performances, alerts, retrainings, analysis } = history;
  const fired = new Set(alerts.filter(({ data }) => data.kind === 'data-drift' && data.status === 'firing').map(({ data }) => data.window));
  // #region report
  return renderReport(
    {
      runs: { runs },
      curves: { metrics: [{ name: 'loss', curves: losses }] },
      drift: verdicts.filter(({ window }) => fired.has(window.number)).map((report) => ({ report, title: `Window ${report.window.number}, which fired an alert` })),
      performance: { periods: performances, alerts },
      abTest: analysis && { name: testName, analysis },
      rollout: eachRollout(rollouts).map((events) => ({ events })),
      pipeline: retrainings,
      model: { model, versions, history: registry, lineage },
    },
    { title: 'A half-year in a closed loop' },
  );
  // #endregion report
}

function eachRollout(events: readonly RolloutEvent[]): RolloutEvent[][] {
  const byId = new Map<string, RolloutEvent[]>();
  for (const event of events) byId.set(event.data.rollout, [...(byId.get(event.data.rollout) ?? []), event]);
  return [...byId.values()];
}
