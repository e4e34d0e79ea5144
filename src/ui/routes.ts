import type { Html } from '../report/markup/html.ts';
import type { UiCall, UiPageMaker } from './call.ts';
import type { UiAccess } from './ui-options.ts';
import { artifactFile, artifactPage } from './pages/artifact.ts';
import { promote, rollback } from './pages/change-forms.ts';
import { comparePage } from './pages/compare.ts';
import { featuresPage, featureViewPage } from './pages/features.ts';
import { metricChart, metricPage } from './pages/metric.ts';
import { modelPage, modelsPage } from './pages/models.ts';
import { monitorPage, monitorsPage } from './pages/monitors.ts';
import { pipelinePage, pipelineRunPage, pipelinesPage } from './pages/pipelines.ts';
import { rolloutPage, rolloutsPage } from './pages/rollouts.ts';
import { runPage } from './pages/run.ts';
import { runsPage } from './pages/runs.ts';
import { testPage, testsPage } from './pages/tests.ts';
import { versionPage } from './pages/version.ts';

/** Headers of a file, with what keeps it from running. */
export type FileHeaders = (type: string, headers: Readonly<Record<string, string>>) => Record<string, string>;

/** What is behind an address. */
export type UiRoute =
  | { readonly kind: 'page'; readonly part: string; readonly page: UiPageMaker }
  /** A piece of a page that is loaded when it comes into view. */
  | { readonly kind: 'fragment'; readonly fragment: (call: UiCall) => Promise<Html> }
  | { readonly kind: 'file'; readonly file: (call: UiCall, headers: FileHeaders) => Promise<Response> }
  /** Tells that something has changed. */
  | { readonly kind: 'live' }
  /** Changes something, and says which page shows it then. */
  | { readonly kind: 'change'; readonly action: Exclude<UiAccess['action'], 'read'>; readonly change: (call: UiCall, actor: string) => Promise<string> };

const page = (part: string, make: UiPageMaker): UiRoute => ({ kind: 'page', part, page: make });

/** Everything that can be asked for, by its address. */
export const uiRoutes: Readonly<Record<string, UiRoute>> = {
  runs: page('runs', runsPage),
  run: page('runs', runPage),
  metric: page('runs', metricPage),
  compare: page('runs', comparePage),
  'metric-chart': { kind: 'fragment', fragment: metricChart },
  artifact: page('runs', artifactPage),
  'artifact-file': { kind: 'file', file: artifactFile },
  models: page('models', modelsPage),
  model: page('models', modelPage),
  version: page('models', versionPage),
  promote: { kind: 'change', action: 'promote', change: promote },
  rollback: { kind: 'change', action: 'rollback', change: rollback },
  features: page('features', featuresPage),
  'feature-view': page('features', featureViewPage),
  pipelines: page('pipelines', pipelinesPage),
  pipeline: page('pipelines', pipelinePage),
  'pipeline-run': page('pipelines', pipelineRunPage),
  monitors: page('monitors', monitorsPage),
  monitor: page('monitors', monitorPage),
  rollouts: page('rollouts', rolloutsPage),
  rollout: page('rollouts', rolloutPage),
  tests: page('tests', testsPage),
  test: page('tests', testPage),
  live: { kind: 'live' },
};
