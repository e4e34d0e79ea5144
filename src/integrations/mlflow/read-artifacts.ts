import type { OperationOptions } from '../../core/progress.ts';
import type { ImportDamage, ImportedArtifact } from '../../tracking/interchange/imported-run.ts';
import { filesWithin, type SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { yamlText, yamlValue } from '../../tracking/interchange/yaml-value.ts';
import { readText } from '../../tracking/interchange/read-text.ts';
import { readMeta } from './read-meta.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';
import type { RunPlace } from './read-run.ts';

const safeId = /^[\w-]+$/;

/** The files of a run, and those of the models that it logged. */
export async function* readArtifacts(directory: SourceDirectory, place: RunPlace, source: string, address: string, options: OperationOptions = {}): AsyncGenerator<ImportedArtifact | ImportDamage> {
  const folder = `${place.experiment}/${place.run}`;
  const scheme = /^[a-zA-Z][\w+.-]+(?=:)/.exec(address)?.[0];
  if (scheme !== undefined && scheme !== 'file') yield { source, where: `${folder}/meta.yaml`, message: `Its artifacts are at ${address}, not in this directory, and are left out.` };
  const faults: ImportDamage[] = [];
  const onFault = (path: string, error: unknown): void => void faults.push(fileDamage(source, path, error));
  yield* filesIn(directory, `${folder}/artifacts`, '', onFault, options);
  for await (const entry of directory.list(`${folder}/outputs`, options)) {
    if (entry.kind !== 'directory') continue;
    const output = `${folder}/outputs/${entry.name}`;
    try {
      const meta = await readMeta(directory, output, options);
      const model = yamlText(meta, 'destination_id') ?? entry.name;
      if (safeId.test(model)) yield* readModel(directory, `${place.experiment}/models/${model}`, model, yamlText(meta, 'step'), onFault, options);
    } catch (error) {
      yield fileDamage(source, output, error);
    }
  }
  yield* faults;
}

type OnFault = (path: string, error: unknown) => void;

/** What is known of a model, as JSON, and its files. */
async function* readModel(directory: SourceDirectory, folder: string, id: string, step: string | undefined, onFault: OnFault, options: OperationOptions): AsyncGenerator<ImportedArtifact> {
  const about = {
    ...(yamlValue(await readMeta(directory, folder, options)) as object),
    step: step ?? null,
    params: await textsIn(directory, `${folder}/params`, onFault, options),
    tags: await textsIn(directory, `${folder}/tags`, onFault, options),
  };
  const content = `${JSON.stringify(about, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
  yield { name: `models/${id}/logged-model.json`, content, size: new TextEncoder().encode(content).length };
  yield* filesIn(directory, `${folder}/artifacts`, `models/${id}/`, onFault, options);
}

async function* filesIn(directory: SourceDirectory, folder: string, prefix: string, onFault: OnFault, options: OperationOptions): AsyncGenerator<ImportedArtifact> {
  for await (const path of filesWithin(directory, folder, onFault, options)) {
    yield { name: `${prefix}${path}`, content: directory.open(`${folder}/${path}`, options), size: await directory.size(`${folder}/${path}`, options) };
  }
}

async function textsIn(directory: SourceDirectory, folder: string, onFault: OnFault, options: OperationOptions): Promise<Record<string, string>> {
  const texts: [string, string][] = [];
  for await (const path of filesWithin(directory, folder, onFault, options)) texts.push([path, (await readText(directory, `${folder}/${path}`, options)) ?? '']);
  return Object.fromEntries(texts);
}
