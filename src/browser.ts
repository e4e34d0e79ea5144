export { browserEnvironment } from './integrations/browser/browser-environment.ts';
export type { BrowserEnvironmentOptions } from './integrations/browser/browser-environment.ts';
export { browserSystemMetrics } from './integrations/browser/browser-system-metrics.ts';
export type { BrowserSystemMetricsOptions } from './integrations/browser/browser-system-metrics.ts';
