export { HttpStorage } from './storage/http/http-storage.ts';
export type { HttpRetryOptions, HttpStorageOptions } from './storage/http/http-storage-options.ts';
export type { Token } from './storage/http/token-source.ts';
export { feastClient } from './integrations/feast/feast-client.ts';
export type { FeastClient, FeastClientOptions, FeastQuery } from './integrations/feast/feast-client.ts';
export type { FeastFeatures, FeastStatus, FeastType } from './integrations/feast/feast-answer.ts';
export { remoteModel, type RemoteLoad } from './serving/remote/remote-model.ts';
export type { RemoteHeaders, RemoteModelOptions, RemoteVersion, RemoteVersionFacts } from './serving/remote/remote-options.ts';
export type { PredictCall, Predictor } from './serving/predictor.ts';
