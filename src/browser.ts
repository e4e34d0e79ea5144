export { browserEnvironment } from './integrations/browser/browser-environment.ts';
export type { BrowserEnvironmentOptions } from './integrations/browser/browser-environment.ts';
export { browserSystemMetrics } from './integrations/browser/browser-system-metrics.ts';
export type { BrowserSystemMetricsOptions } from './integrations/browser/browser-system-metrics.ts';
export { worker, workerPool } from './integrations/browser/web-worker-step.ts';
export type { StepWork, WorkContext } from './pipelines/step-work.ts';
export type { WorkerPool, WorkerPoolOptions } from './pipelines/threads/thread-pool.ts';
export type { WorkerFacts, WorkerOptions, WorkerWork } from './pipelines/threads/thread-work.ts';
