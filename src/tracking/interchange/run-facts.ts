import { isDigest } from '../../core/digest.ts';
import type { RunFacts } from './source-row.ts';
import type { ImportedDataset, ImportedParent } from './imported-run.ts';

const texts = ['experiment', 'name', 'group', 'pipelineRun', 'reason', 'notes'] as const;
const numbers = ['startedAt', 'endedAt', 'deletedAt', 'droppedPoints'] as const;
const statuses: readonly string[] = ['running', 'finished', 'failed', 'killed', 'crashed'];

/** What a file says of a run, as far as it is of the form that it should have. */
export function factsOf(given: Readonly<Record<string, unknown>>): RunFacts {
  const facts: Record<string, unknown> = {};
  for (const field of texts) if (typeof given[field] === 'string') facts[field] = given[field];
  for (const field of numbers) if (typeof given[field] === 'number') facts[field] = given[field];
  for (const field of ['error', 'code', 'environment'] as const) if (isObject(given[field])) facts[field] = given[field];
  const { status, seed, params, tags, parent, datasets } = given;
  if (statuses.includes(status as string)) facts['status'] = status;
  if (typeof seed === 'string' || typeof seed === 'number') facts['seed'] = seed;
  if (isObject(params)) facts['params'] = params;
  if (isObject(tags)) facts['tags'] = tags;
  if (isObject(parent) && typeof parent['source'] === 'string' && typeof parent['startedAt'] === 'number') facts['parent'] = { source: parent['source'], startedAt: parent['startedAt'] } satisfies ImportedParent;
  if (Array.isArray(datasets)) facts['datasets'] = datasets.filter(isDataset);
  return facts;
}

function isDataset(value: unknown): value is ImportedDataset {
  if (!isObject(value)) return false;
  const { name, role, source, fingerprint, rowCount, schema, loggedAt } = value;
  return (
    typeof name === 'string' && typeof role === 'string' && (source === undefined || typeof source === 'string') && isDigest(fingerprint as string) &&
    typeof rowCount === 'number' && isObject(schema) && typeof loggedAt === 'number'
  );
}

/** Whether a value has fields by name. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof Date);
}
