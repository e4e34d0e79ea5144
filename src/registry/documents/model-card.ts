import { inCell } from '../markdown-cell.ts';
import type { DataSpec } from '../../core/signature/model-signature.ts';
import { datasetName, documentDatasets, measuredOn, taskOf, type DocumentFacts, type DocumentOptions } from './document-facts.ts';
import { signatureRows } from './signature-rows.ts';
import { toYaml, type YamlValue } from './yaml.ts';

// Identifiers of SPDX that Hugging Face takes, in lower case as it has them.
const hubLicences = new Set([
  'apache-2.0', 'mit', 'afl-3.0', 'artistic-2.0', 'bsl-1.0', 'bsd-2-clause', 'bsd-3-clause', 'bsd-3-clause-clear', 'cc0-1.0', 'cc-by-3.0', 'cc-by-4.0', 'cc-by-sa-3.0', 'cc-by-sa-4.0', 'cc-by-nc-3.0', 'cc-by-nc-4.0', 'cc-by-nd-4.0',
  'cc-by-nc-nd-3.0', 'cc-by-nc-nd-4.0', 'cc-by-nc-sa-3.0', 'cc-by-nc-sa-4.0', 'ecl-2.0', 'epl-1.0', 'epl-2.0', 'eupl-1.1', 'eupl-1.2', 'agpl-3.0', 'gpl-2.0', 'gpl-3.0', 'lgpl-2.1', 'lgpl-3.0', 'isc', 'lppl-1.3c', 'ms-pl', 'mpl-2.0',
  'odc-by', 'odbl', 'ofl-1.1', 'osl-3.0', 'postgresql', 'ncsa', 'unlicense', 'zlib', 'wtfpl',
]);

/** The model card of a version as Hugging Face has them: Markdown below YAML. The same facts give the same text. */
export function modelCardOf(facts: DocumentFacts, options: DocumentOptions): string {
  return `---\n${toYaml(frontMatter(facts, options))}---\n\n${body(facts, options)}`;
}

function frontMatter(facts: DocumentFacts, options: DocumentOptions): Record<string, YamlValue | undefined> {
  const { version } = facts;
  const { licence, framework, flavor, tags } = version;
  const task = taskOf(facts, options);
  const known = licence !== undefined && hubLicences.has(licence.toLowerCase());
  const measured = measuredOn(facts);
  const results = measured.map(({ dataset, metrics }) => ({
    task: { type: task ?? 'other' },
    // Both are demanded, also of what was measured on nothing that is known.
    dataset: { type: dataset?.digest ?? 'unknown', name: dataset === undefined ? 'unknown' : datasetName(dataset) },
    metrics: Object.entries(metrics).filter(([, value]) => Number.isFinite(value)).map(([name, value]) => ({ type: name, value, name })),
  }));
  const told = results.filter(({ metrics }) => metrics.length > 0);
  return {
    license: licence === undefined ? undefined : known ? licence.toLowerCase() : 'other',
    license_name: licence === undefined || known ? undefined : licence,
    library_name: framework?.name,
    pipeline_tag: task,
    tags: [...(flavor === undefined ? [] : [flavor]), ...Object.entries(tags).map(([name, value]) => `${name}:${value}`)],
    datasets: [...new Set(documentDatasets(facts).flatMap(({ name }) => (name === undefined ? [] : [name])))],
    metrics: [...new Set(measured.flatMap(({ metrics }) => Object.keys(metrics)))],
    // Hugging Face refuses a card whose index has a model without results.
    'model-index': told.length === 0 ? undefined : [{ name: version.model, results: told }],
  };
}

function body(facts: DocumentFacts, { intendedUse = [], limitations = [] }: DocumentOptions): string {
  const { version, model, approvals, gates } = facts;
  const { run, pipelineRun, framework, features, createdBy, createdAt } = version;
  const training: [string, string | undefined][] = [
    ['run', run],
    ['pipeline run', pipelineRun],
    ['framework', framework && [framework.name, framework.version].filter(Boolean).join(' ')],
    ['features', features && [features.service, features.version].filter((each) => each !== undefined).join(' ')],
    ['made by', createdBy],
    ['registered', new Date(createdAt).toISOString()],
    ['digest', version.digest],
  ];
  const parts = [
    `# ${inCell(version.model)}, version ${version.version}`,
    model.description ?? '',
    version.description ?? '',
    model.owner === undefined ? '' : `Owner: ${inCell(model.owner)}`,
    section('Intended use', list(intendedUse)),
    section('Limitations', list(limitations)),
    section('Training', table(['', ''], training.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))),
    section('Datasets', table(['dataset', 'for', 'fingerprint'], documentDatasets(facts).map((dataset) => [datasetName(dataset), dataset.role ?? '', dataset.digest]))),
    section(
      'Evaluation',
      table(['dataset', 'metric', 'value'], measuredOn(facts).flatMap(({ dataset, metrics }) => Object.entries(metrics).map(([name, value]) => [dataset === undefined ? '' : datasetName(dataset), name, String(value)]))),
    ),
    section('Input', specTable(version.signature?.input)),
    section('Output', specTable(version.signature?.output)),
    section('Files', table(['file', 'bytes', 'digest'], version.files.map(({ path, size, digest }) => [path, String(size), digest]))),
    section('Gates', gates === undefined ? '' : table([`before ${gates.stage}`, '', 'what it found'], gates.gates.map(({ name, passed, reason }) => [name, passed ? 'passed' : 'failed', reason]))),
    section('Approvals', table(['who', 'why', 'when'], approvals.map(({ by, reason, at }) => [by, reason, new Date(at).toISOString()]))),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `## ${title}\n\n${content}`;
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${inCell(line)}`).join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const row = (cells: readonly string[]): string => `| ${cells.map(inCell).join(' | ')} |`;
  return [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n');
}

function specTable(spec: DataSpec | undefined): string {
  return spec === undefined ? '' : table(['name', 'type', ''], signatureRows(spec));
}
