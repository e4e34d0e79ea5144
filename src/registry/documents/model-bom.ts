import { idOfText } from '../../core/ids.ts';
import type { Digest } from '../../core/digest.ts';
import { datasetName, documentDatasets, measuredOn, taskOf, type DocumentFacts, type DocumentOptions } from './document-facts.ts';
import { signatureRows } from './signature-rows.ts';

/** A bill of materials as CycloneDX 1.6 has it, as plain data for `JSON.stringify`. */
export interface ModelBom {
  /** The schema that it keeps to. */
  readonly $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json';
  /** Always `CycloneDX`. */
  readonly bomFormat: 'CycloneDX';
  /** Always `1.6`. */
  readonly specVersion: '1.6';
  /** The same for the same contents of the same version of a model. */
  readonly serialNumber: string;
  /** Counts from 1; each evaluation makes another one. */
  readonly version: number;
  /** When the last of its facts was recorded, and the model itself with its model card. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The files, the datasets and the framework. */
  readonly components: readonly Readonly<Record<string, unknown>>[];
  /** What is made of what. */
  readonly dependencies: readonly Readonly<Record<string, unknown>>[];
}

/** The bill of materials of a version. The same facts give the same data: no time of now, nothing random. */
export function modelBomOf(facts: DocumentFacts, options: DocumentOptions): ModelBom {
  const { version, evaluations } = facts;
  const own = `model:${version.model}@${version.version}`;
  const datasets = documentDatasets(facts).map((dataset) => ({
    type: 'data',
    'bom-ref': datasetRef(dataset.digest),
    name: datasetName(dataset),
    data: [{ type: 'dataset', name: datasetName(dataset) }],
    properties: [property('fingerprint', dataset.digest), ...(dataset.role === undefined ? [] : [property('role', dataset.role)])],
  }));
  const files = version.files.map(({ path, size, digest }) => ({ type: 'file', 'bom-ref': `file:${path}`, name: path, hashes: [hash(digest)], properties: [property('size', String(size))] }));
  const framework = version.framework && { type: 'framework', 'bom-ref': 'framework', name: version.framework.name, ...given({ version: version.framework.version }) };
  const components = [...files, ...datasets, ...(framework ? [framework] : [])];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${idOfText(`${own} ${version.digest}`)}`,
    version: 1 + evaluations.length,
    metadata: { timestamp: new Date(Math.max(version.createdAt, ...evaluations.map(({ at }) => at))).toISOString(), component: modelComponent(facts, options, own) },
    components,
    dependencies: [{ ref: own, dependsOn: components.map((component) => component['bom-ref']) }],
  };
}

function modelComponent(facts: DocumentFacts, options: DocumentOptions, ref: string): Record<string, unknown> {
  const { version, model } = facts;
  const { run, pipelineRun, flavor, features, tags } = version;
  const description = [model.description, version.description].filter((each) => each !== undefined).join('\n\n');
  const told = { run, pipelineRun, flavor, features: features?.service };
  return {
    type: 'machine-learning-model',
    'bom-ref': ref,
    name: version.model,
    version: String(version.version),
    ...given({
      description: description === '' ? undefined : description,
      authors: version.createdBy === undefined ? undefined : [{ name: version.createdBy }],
      licenses: version.licence === undefined ? undefined : [licenceOf(version.licence)],
    }),
    modelCard: modelCardPart(facts, options),
    properties: [
      property('digest', version.digest),
      ...Object.entries(told).flatMap(([name, value]) => (value === undefined ? [] : [property(name, value)])),
      ...Object.entries(tags).map(([name, value]) => property(`tag:${name}`, value)),
    ],
  };
}

function modelCardPart(facts: DocumentFacts, options: DocumentOptions): Record<string, unknown> {
  const { input, output } = facts.version.signature ?? {};
  const metrics = measuredOn(facts).flatMap(({ dataset, metrics: values }) =>
    Object.entries(values).map(([type, value]) => ({ type, value: String(value), ...given({ slice: dataset && datasetName(dataset) }) })),
  );
  const formats = (spec: typeof input): { readonly format: string }[] | undefined => spec && signatureRows(spec).map(([name, type]) => ({ format: name === '' ? type : `${name}: ${type}` }));
  const { intendedUse = [], limitations = [] } = options;
  return {
    modelParameters: given({
      task: taskOf(facts, options),
      datasets: some(documentDatasets(facts).map(({ digest }) => ({ ref: datasetRef(digest) }))),
      inputs: formats(input),
      outputs: formats(output),
    }),
    ...given({
      quantitativeAnalysis: metrics.length === 0 ? undefined : { performanceMetrics: metrics },
      considerations: intendedUse.length + limitations.length === 0 ? undefined : given({ useCases: some(intendedUse), technicalLimitations: some(limitations) }),
    }),
  };
}

function licenceOf(licence: string): Record<string, unknown> {
  return isExpression(licence) ? { expression: licence } : { license: { name: licence } };
}

/** Whether a text is an expression of SPDX by its grammar; which identifiers there are is not known here. */
function isExpression(text: string): boolean {
  let depth = 0;
  let last: 'begin' | 'licence' | 'with' | 'end' = 'begin';
  for (const token of text.match(/[()]|[^\s()]+/g) ?? []) {
    const demanded = last === 'begin' || last === 'with';
    if (token === '(') {
      if (last !== 'begin') return false;
      depth++;
    } else if (token === ')') {
      if (demanded || --depth < 0) return false;
      last = 'end';
    } else if (token === 'AND' || token === 'OR') {
      if (demanded) return false;
      last = 'begin';
    } else if (token === 'WITH') {
      if (last !== 'licence') return false;
      last = 'with';
    } else {
      if (!demanded || !/^[A-Za-z0-9][A-Za-z0-9.:+-]*$/.test(token)) return false;
      // An exception has none of its own.
      last = last === 'with' ? 'end' : 'licence';
    }
  }
  return depth === 0 && (last === 'licence' || last === 'end');
}

function datasetRef(digest: Digest): string {
  return `dataset:${digest}`;
}

function hash(digest: Digest): { readonly alg: 'SHA-256'; readonly content: string } {
  return { alg: 'SHA-256', content: digest.slice('sha256:'.length) };
}

function property(name: string, value: string): { readonly name: string; readonly value: string } {
  return { name: `modelkeep:${name}`, value };
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
