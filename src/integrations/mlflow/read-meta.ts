import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { parseYaml, type YamlNode } from '../../tracking/interchange/parse-yaml.ts';
import { readText } from '../../tracking/interchange/read-text.ts';
import type { SourceDirectory } from '../../tracking/interchange/source-directory.ts';

/** The `meta.yaml` of a folder. Throws `IntegrityError`, naming the file, when it is missing, empty, or no mapping. */
export async function readMeta(directory: SourceDirectory, folder: string, options: OperationOptions): Promise<YamlNode> {
  const path = `${folder}/meta.yaml`;
  const text = await readText(directory, path, options);
  if (text === undefined) throw new IntegrityError(`${path} is missing.`, { key: path });
  if (text.trim() === '') throw new IntegrityError(`${path} is empty; whoever wrote it was stopped.`, { key: path, offset: 0 });
  const meta = parseYaml(text, path);
  if (!(meta instanceof Map)) throw new IntegrityError(`${path} is no mapping.`, { key: path, offset: 0 });
  return meta;
}
