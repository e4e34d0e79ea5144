export { nodeEnvironment } from './integrations/node/node-environment.ts';
export type { NodeEnvironmentOptions } from './integrations/node/node-environment.ts';
