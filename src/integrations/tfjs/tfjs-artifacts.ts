import type { ModelVersion } from '../../registry/model-version.ts';

/** What a model of TensorFlow.js is saved as and loaded from, by shape: `tf.io.ModelArtifacts`. */
export interface TfjsArtifacts {
  /** The layers or the graph. */
  modelTopology?: object;
  /** How it was compiled. */
  trainingConfig?: TfjsTrainingConfig;
  /** What stands in the weights, in order. */
  weightSpecs?: TfjsWeightSpec[];
  /** The bytes of all weights, in order, whole or in pieces. */
  weightData?: ArrayBuffer | ArrayBuffer[];
  /** Streams the bytes of all weights, from their beginning each time. */
  getWeightStream?: () => ReadableStream<ArrayBuffer>;
  /** What kind of model it is, such as `layers-model` or `graph-model`. */
  format?: string;
  /** What made it. */
  generatedBy?: string;
  /** What converted it; `null` when nothing did. */
  convertedBy?: string | null;
  /** The tensors that a graph takes and gives. */
  signature?: object;
  /** What its author told with `setUserDefinedMetadata`. */
  userDefinedMetadata?: { [key: string]: object };
  /** A graph that is run before the model's own. */
  modelInitializer?: object;
  /** The tensors that the initializer takes and gives. */
  initializerSignature?: object;
}

/** How a model was compiled, by shape: `tf.io.TrainingConfig`. */
export interface TfjsTrainingConfig {
  /** The optimizer. */
  optimizer_config: object;
  /** What is minimized. */
  loss: string | string[] | { [key: string]: string };
  /** What is measured. */
  metrics?: string[] | { [key: string]: string };
  /** What is measured with weights. */
  weighted_metrics?: string[];
  /** How samples are weighted. */
  sample_weight_mode?: string;
  /** How losses are weighted. */
  loss_weights?: number[] | { [key: string]: number };
}

/** One weight among the bytes of all, by shape: `tf.io.WeightsManifestEntry`. */
export interface TfjsWeightSpec {
  /** Its name in the model. */
  name: string;
  /** Its dimensions. */
  shape: number[];
  /** The type of its elements. */
  dtype: 'float32' | 'int32' | 'bool' | 'string' | 'complex64';
  /** Whether it belongs to the model or is state of the optimizer. */
  group?: 'model' | 'optimizer';
  /** How its elements were made smaller. */
  quantization?: TfjsQuantization;
}

/** How the elements of a weight were made smaller. */
export interface TfjsQuantization {
  /** What a stored element is multiplied by. */
  scale?: number;
  /** What is added to it. */
  min?: number;
  /** The type of a stored element. */
  dtype: 'uint16' | 'uint8' | 'float16';
}

/** What a model of TensorFlow.js is told when it was saved, by shape: `tf.io.SaveResult`. */
export interface TfjsSaveResult {
  /** What was saved. */
  modelArtifactsInfo: TfjsSavedInfo;
}

/** What was saved of a model, in bytes. */
export interface TfjsSavedInfo {
  /** When it was registered. */
  dateSaved: Date;
  /** The topology is JSON. */
  modelTopologyType: 'JSON';
  /** Bytes of the topology. */
  modelTopologyBytes: number;
  /** Bytes of what stands in the weights. */
  weightSpecsBytes: number;
  /** Bytes of the weights. */
  weightDataBytes: number;
}

/** Saves a model of TensorFlow.js as a version and loads it from one: a `tf.io.IOHandler`. */
export interface TfjsHandler {
  /** The version that was saved or loaded last. */
  readonly version: ModelVersion | undefined;
  /** Registers a version; `model.save(handler)` calls it. */
  save(artifacts: TfjsArtifacts): Promise<TfjsSaveResult>;
  /** Reads a version, verified; `tf.loadLayersModel(handler)` and `tf.loadGraphModel(handler)` call it. */
  load(): Promise<TfjsArtifacts>;
}
