export { nodeEnvironment } from './integrations/node/node-environment.ts';
export type { NodeEnvironmentOptions } from './integrations/node/node-environment.ts';
export { writeArtifactsTo } from './integrations/node/download-artifacts.ts';
export type { ArtifactReader, WriteArtifactsOptions } from './integrations/node/download-artifacts.ts';
export { artifactFromFile, artifactsFromDirectory } from './integrations/node/node-artifacts.ts';
export type { ArtifactFile, ArtifactsFromDirectoryOptions, FileFilter } from './integrations/node/node-artifacts.ts';
export { nodeSystemMetrics } from './integrations/node/node-system-metrics.ts';
export type { NodeSystemMetricsOptions } from './integrations/node/node-system-metrics.ts';
export { nodeDirectory, nodeFile } from './integrations/node/node-directory.ts';
