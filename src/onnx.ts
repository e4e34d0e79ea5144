export { loadOnnx, saveOnnx } from './integrations/onnx/onnx-model.ts';
export type { LoadOnnxOptions, LoadedOnnx, OnnxExternalData, OnnxExternalFile, OnnxRuntime, OnnxSessions, ReleasableSession, SaveOnnxOptions } from './integrations/onnx/onnx-model.ts';
export { onnxSignature } from './integrations/onnx/onnx-signature.ts';
export type { OnnxSession, OnnxValueInfo } from './integrations/onnx/onnx-signature.ts';
