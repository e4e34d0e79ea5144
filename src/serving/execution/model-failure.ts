import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';

/** What failed at a model, as its caller is told: an error of this package that says by its code what it means to a caller is passed on, and anything else is a `model-failed` with it as its cause. */
export function modelFailure(name: string, error: unknown): ModelkeepError {
  if (isModelkeepError(error, 'validation', 'model-failed', 'worker-failed', 'unavailable', 'overloaded', 'timeout')) return error;
  return new ModelkeepError('model-failed', `${name} failed: ${describeFailure(error).message}`, { key: name, cause: error });
}

/** Whether a failure says that the model is not well: not that it was asked wrongly. */
export function isModelsFault(failure: ModelkeepError): boolean {
  return !isModelkeepError(failure, 'validation');
}

/** Whether the same request may fare better later. */
export function isWorthRetrying(failure: ModelkeepError): boolean {
  return isModelkeepError(failure, 'model-failed', 'worker-failed', 'unavailable');
}
