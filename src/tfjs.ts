export { tfjsBackend } from './integrations/tfjs/tfjs-backend.ts';
export type { TfjsBackend, TfjsBackendSource } from './integrations/tfjs/tfjs-backend.ts';
export { tfjsCallbacks } from './integrations/tfjs/tfjs-callbacks.ts';
export type { TfjsCallbacksOptions, TfjsCustomCallbackOptions, TfjsRecordingOptions } from './integrations/tfjs/tfjs-callbacks.ts';
export type { FitCallbacks, FitLogs, FitYieldEvery } from './integrations/tfjs/fit-callbacks.ts';
export type { DeviceScalar, StoppableModel, TfjsCallback, TfjsLayers } from './integrations/tfjs/tfjs-layers.ts';
export type { TfjsRun } from './integrations/tfjs/tfjs-run.ts';
export { tfjsSignature } from './integrations/tfjs/tfjs-signature.ts';
export type { TfjsModel, TfjsTensorInfo } from './integrations/tfjs/tfjs-signature.ts';
