import { isModelkeepError, ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { shown } from '../../core/shown.ts';
import type { ParamValues, StoredRun, TagValues } from '../run-record.ts';
import { checkParams, checkTags } from '../run-values.ts';
import { checkLabel, checkNotes } from '../tracker-options.ts';
import { importedId, ownSource } from './imported-id.ts';
import { importedName } from './imported-name.ts';
import type { ReportBuilder } from './import-report.ts';
import type { ImportedRun } from './imported-run.ts';

/** The tag that says where an imported run comes from. */
const sourceTag = 'modelkeep.source';

/** What is known of a run before its points are read. */
export type CheckedRun = Omit<StoredRun, 'metrics' | 'best' | 'openSessions' | 'environment' | 'code'>;

const statuses: readonly string[] = ['running', 'finished', 'failed', 'killed', 'crashed'];

/**
 * The record that a run becomes. Params, tags and notes that cannot be kept are told to the report and left out. Throws `ValidationError` when it has no usable identity, experiment or start.
 */
export function checkedRun(run: ImportedRun, report: ReportBuilder): CheckedRun {
  const { source, startedAt, parent } = run;
  checkLabel(source, 'source');
  for (const part of ['metrics', 'artifacts'] as const) if (typeof run[part] !== 'function') throw new ValidationError(`${part} of ${shown(source, 80)} is ${shown(run[part], 80)}; give a function that gives them.`, { path: part });
  for (const part of ['params', 'tags', 'datasets'] as const) if (typeof run[part] !== 'object' || run[part] === null) throw new ValidationError(`${part} of ${shown(source, 80)} is ${shown(run[part], 80)}; give what there is of it, even if it is nothing.`, { path: part });
  const id = importedId(run);
  const sound = <T>(where: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!isModelkeepError(error, 'validation')) throw error;
      report.damage({ source, where, message: `Left out: ${error.message}` });
      return undefined;
    }
  };
  const named = <T>(values: Readonly<Record<string, T>>, kind: 'param' | 'tag', check: (name: string, value: T) => Readonly<Record<string, T>>): Record<string, T> => {
    const entries = Object.entries(values).flatMap(([from, value]) => {
      const to = importedName(from);
      if (to !== from) report.renamed({ source, kind, from, to });
      return Object.entries(sound(`${kind} ${from}`, () => check(to, value)) ?? {});
    });
    return Object.fromEntries(entries);
  };
  const params: ParamValues = named(run.params, 'param', (name, value) => checkParams({ [name]: value }));
  const tags: TagValues = named(run.tags, 'tag', (name, value) => checkTags({ [name]: value }));
  const optional = {
    name: run.name === undefined ? undefined : sound('name', () => checkLabel(run.name, 'name')),
    group: run.group === undefined ? undefined : sound('group', () => checkLabel(run.group, 'group')),
    pipelineRun: run.pipelineRun === undefined ? undefined : sound('pipelineRun', () => checkLabel(run.pipelineRun, 'pipelineRun')),
    notes: run.notes === undefined ? undefined : sound('notes', () => checkNotes(run.notes)),
    seed: typeof run.seed === 'string' || Number.isFinite(run.seed) ? run.seed : undefined,
    endedAt: timeOf(run.endedAt),
    deletedAt: timeOf(run.deletedAt),
    reason: typeof run.reason === 'string' ? run.reason : undefined,
    error: run.error === undefined ? undefined : describeFailure(run.error),
    parent: parent === undefined ? undefined : sound('parent', () => importedId(parent)),
  };
  return {
    id,
    experiment: checkLabel(run.experiment, 'experiment'),
    status: statuses.includes(run.status) ? run.status : 'finished',
    startedAt,
    params,
    tags: source.startsWith(ownSource) ? tags : { ...tags, [sourceTag]: source },
    droppedPoints: timeOf(run.droppedPoints) ?? 0,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Infinity ? value : undefined;
}
