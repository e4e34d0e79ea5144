import { isModelkeepError, type ErrorCode } from 'modelkeep';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

// #region errors
/** What a failure of modelkeep is over HTTP. All others are nobody's business but ours: 500. */
const statusOf: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  validation: 400,
  'not-found': 404,
  conflict: 409,
  gate: 422,
  overloaded: 503,
  unavailable: 503,
  timeout: 504,
};

/** Answers a failure: what the caller can mend with its reason, and anything else with an id by which it is found in the log. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof HTTPException) return c.json({ error: { code: 'refused', message: error.message } }, error.status);
  const status = isModelkeepError(error) ? statusOf[error.code] : undefined;
  if (isModelkeepError(error) && status !== undefined) {
    const report = error.code === 'gate' ? { gates: (error.details['report'] as { gates: unknown } | undefined)?.gates } : {};
    return c.json({ error: { code: error.code, message: error.message, ...report } }, status);
  }
  const id = crypto.randomUUID();
  console.error(id, error);
  return c.json({ error: { code: 'internal', message: `Something is wrong here; ask us about ${id}.` } }, 500);
}
// #endregion errors
