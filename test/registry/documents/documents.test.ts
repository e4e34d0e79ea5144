import { readFileSync } from 'node:fs';
import Ajv, { type ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, gates } from 'modelkeep';
import { toYaml, type YamlValue } from '../../../src/registry/documents/yaml.ts';

const who = { by: 'ada', reason: 'better than | the last' };
const january = `sha256:${'1'.repeat(64)}`;
const march = `sha256:${'3'.repeat(64)}`;

function bomSchema(): ValidateFunction {
  // They refer to each other by the names of their files.
  const read = (name: string): object => {
    const file = `${name}.SNAPSHOT.schema.json`;
    return { ...(JSON.parse(readFileSync(new URL(`../../fixtures/cyclonedx/${file}`, import.meta.url), 'utf8')) as object), $id: `http://cyclonedx.org/schema/${file}` };
  };
  const ajv = new Ajv({ unknownFormats: 'ignore', logger: false, schemas: [read('spdx'), read('jsf-0.82')] });
  return ajv.compile(read('bom-1.6'));
}

let now = 1_700_000_000_000;
const clock = { now: () => now, monotonic: () => now, setTimer: () => () => undefined };

async function filled(): Promise<Registry> {
  now = 1_700_000_000_000;
  const registry = new Registry({ storage: new MemoryStorage(), clock });
  await registry.createModel('fraud: "v2" | 日本', { description: 'Is this payment a **fraud**?', owner: 'risk <team>' });
  await registry.setPolicy('fraud: "v2" | 日本', { production: [gates.metric('auc', { goal: 'maximize', min: 0.5 })] });
  await registry.registerVersion('fraud: "v2" | 日本', {
    files: { 'model.json': '{}', 'weights/a b.bin': 'w' },
    metrics: { auc: 0.83, loss: NaN },
    dataset: { digest: january, name: 'january' },
    datasets: [{ dataset: { digest: march, name: 'acme/march' }, role: 'training' }],
    run: 'run-7',
    pipelineRun: 'p-1',
    features: { service: 'payments', version: 2 },
    flavor: 'tfjs-layers',
    framework: { name: '@tensorflow/tfjs', version: '4.22.0' },
    licence: 'Apache-2.0',
    createdBy: 'ada',
    description: 'Smaller.',
    tags: { task: 'tabular-classification', team: 'yes' },
    signature: {
      input: { type: 'row', columns: [{ name: 'amount', type: 'float64', description: 'in euro' }, { name: 'tags', type: 'list', items: { type: 'string' }, required: false, nullable: true }] },
      output: { type: 'tensors', by: 'name', tensors: [{ name: 'p', dtype: 'float32', shape: [null, 1] }] },
    },
  });
  now += 1000;
  await registry.recordEvaluation('fraud: "v2" | 日本@1', { dataset: march, metrics: { auc: 0.7 } });
  now += 1000;
  await registry.recordEvaluation('fraud: "v2" | 日本@1', { dataset: { digest: march, name: 'march' }, metrics: { auc: 0.75 } });
  await registry.approve('fraud: "v2" | 日本@1', who);
  await registry.promote('fraud: "v2" | 日本@1', 'production', who);
  return registry;
}

const ref = 'fraud: "v2" | 日本@1';
const told = { intendedUse: ['Ranking payments.'], limitations: ['Not for | decisions alone.'] };

describe('a model card', () => {
  it('begins with what Hugging Face reads', async () => {
    const card = await (await filled()).modelCard(ref, told);
    const [, yaml] = /^---\n(.*?)\n---\n/s.exec(card)!;
    expect(parse(yaml!)).toEqual({
      license: 'apache-2.0',
      library_name: '@tensorflow/tfjs',
      pipeline_tag: 'tabular-classification',
      tags: ['tfjs-layers', 'task:tabular-classification', 'team:yes'],
      datasets: ['january', 'acme/march'],
      metrics: ['auc', 'loss'],
      'model-index': [
        {
          name: 'fraud: "v2" | 日本',
          results: [
            { task: { type: 'tabular-classification' }, dataset: { type: january, name: 'january' }, metrics: [{ type: 'auc', value: 0.83, name: 'auc' }] },
            { task: { type: 'tabular-classification' }, dataset: { type: march, name: 'march' }, metrics: [{ type: 'auc', value: 0.75, name: 'auc' }] },
          ],
        },
      ],
    });
  });

  it('goes on with what the records have', async () => {
    const registry = await filled();
    const card = await registry.modelCard(ref, told);
    for (const part of ['Is this payment a **fraud**?', 'Owner: risk &lt;team&gt;', '## Intended use', 'Not for \\| decisions alone.', '| run | run-7 |', '| january | loss | NaN |', 'in euro', 'list of string or null', 'float32\\[?, 1\\]', '## Approvals', 'better than \\| the last', '| metric auc | passed |']) {
      expect(card).toContain(part);
    }
    for (const { path, digest } of (await registry.getVersion(ref)).files) expect(card).toContain(`| ${path} | ${path === 'model.json' ? 2 : 1} | ${digest} |`);
    expect(await registry.modelCard(ref, told)).toBe(card);
    expect(card).not.toMatch(/undefined|\n\n\n/);
  });

  it('says nothing of what is not known', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    await registry.createModel('bare');
    await registry.registerVersion('bare', { files: { f: 'x' }, licence: 'Our own, see LICENCE' });
    const card = await registry.modelCard('bare@latest');
    const [, yaml] = /^---\n(.*?)\n---\n/s.exec(card)!;
    expect(parse(yaml!)).toEqual({ license: 'other', license_name: 'Our own, see LICENCE' });
    expect(card.match(/^## .*/gm)).toEqual(['## Training', '## Files']);
    await expect(registry.modelCard('bare@9')).rejects.toMatchObject({ code: 'not-found' });
    await expect(registry.modelCard('bare@1', { use: 'x' } as never)).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('YAML', () => {
  it('is read back as it was written', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('yes', 'NO', '~', 'null', '1e3', '0x1', '- a', '# a', 'a: b', '2026-01-01', ' a ', 'é', '\u2028', '\u0085', '\ufeff', '"', "'", '=', '<<'));
    const { value } = fc.letrec<{ value: YamlValue }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, texts, fc.double(), fc.boolean(), fc.array(tie('value'), { minLength: 1, maxLength: 3 }), fc.dictionary(texts, tie('value'), { minKeys: 1, maxKeys: 3, noNullPrototype: true })),
    }));
    const plain = (given: unknown): unknown => JSON.parse(JSON.stringify(given, (_, each: unknown) => (typeof each === 'number' ? (Object.is(each, -0) ? '-0' : String(each)) : each))) as unknown;
    fc.assert(
      fc.property(fc.dictionary(texts, value, { minKeys: 1, noNullPrototype: true }), (fields) => {
        for (const version of ['1.2', '1.1'] as const) expect(plain(parse(toYaml(fields), { version, merge: false, uniqueKeys: false }))).toEqual(plain(fields));
      }),
      { seed: 12, numRuns: 500 },
    );
  });
});

describe('a model card of a hostile model', () => {
  it('keeps names and licences from ending its YAML or adding to it', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    const name = 'a"b\'c: ---';
    const hostile = 'x\n---\nlicense: mit\n# heading';
    await registry.createModel(name, { owner: hostile });
    await registry.registerVersion(name, { files: { f: 'x' }, licence: hostile, flavor: hostile, tags: { '- k': hostile }, framework: { name: hostile }, dataset: { digest: january, name: hostile }, metrics: { [hostile]: 1, loss: NaN } });
    const card = await registry.modelCard(`${name}@1`);
    const [, yaml, body] = /^---\n(.*?)\n---\n(.*)$/s.exec(card)!;
    expect(parse(yaml!)).toEqual({
      license: 'other',
      license_name: hostile,
      library_name: hostile,
      tags: [hostile, `- k:${hostile}`],
      datasets: [hostile],
      metrics: ['loss', hostile],
      'model-index': [{ name, results: [{ task: { type: 'other' }, dataset: { type: january, name: hostile }, metrics: [{ type: hostile, value: 1, name: hostile }] }] }],
    });
    expect(body!.split('\n').filter((line) => line === '# heading' || line === '---')).toEqual([]);
  });

  it('has no index of a model of which nothing was measured, which Hugging Face would refuse', async () => {
    const registry = new Registry({ storage: new MemoryStorage() });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { f: 'x' }, metrics: { loss: NaN } });
    expect(await registry.modelCard('m@1')).not.toContain('model-index');
  });
});

describe('a bill of materials', () => {
  const validate = bomSchema();

  it('keeps to the schema of CycloneDX', async () => {
    const registry = await filled();
    const bom = await registry.bom(ref, told);
    expect(validate(JSON.parse(JSON.stringify(bom))), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...bom, components: [{ type: 'nonsense', name: 'x' }] })).toBe(false);
    const { files } = await registry.getVersion(ref);
    const byRef = new Map(bom.components.map((component) => [component['bom-ref'], component]));
    for (const { path, digest } of files) expect(byRef.get(`file:${path}`)).toMatchObject({ type: 'file', hashes: [{ alg: 'SHA-256', content: digest.slice(7) }] });
    expect(bom.dependencies).toEqual([{ ref: `model:${ref}`, dependsOn: [...byRef.keys()] }]);
    expect(bom.version).toBe(3);
    expect(bom.metadata).toMatchObject({
      timestamp: new Date(1_700_000_002_000).toISOString(),
      component: {
        type: 'machine-learning-model',
        version: '1',
        licenses: [{ expression: 'Apache-2.0' }],
        modelCard: {
          modelParameters: { task: 'tabular-classification', datasets: [{ ref: `dataset:${january}` }, { ref: `dataset:${march}` }], outputs: [{ format: 'p: float32[?, 1]' }] },
          quantitativeAnalysis: { performanceMetrics: [{ type: 'auc', value: '0.83', slice: 'january' }, { type: 'loss', value: 'NaN', slice: 'january' }, { type: 'auc', value: '0.75', slice: 'march' }] },
          considerations: { useCases: ['Ranking payments.'], technicalLimitations: ['Not for | decisions alone.'] },
        },
      },
    });
  });

  it.each<[string, boolean]>([
    ['MIT', true],
    ['GPL-2.0+', true],
    ['LicenseRef-ours', true],
    ['DocumentRef-spdx:LicenseRef-ours', true],
    ['GPL-2.0-only WITH Classpath-exception-2.0 OR MIT', true],
    ['MIT AND (Apache-2.0 OR (BSD-3-Clause AND ISC))', true],
    ['(MIT', false],
    ['MIT)', false],
    ['()', false],
    ['MITX(MIT)', false],
    ['MIT AND', false],
    ['MIT  OR ISC', true],
    ['MIT ISC', false],
    ['(MIT OR ISC) WITH X', false],
    ['AND', false],
    ['MIT OR AND', false],
    ['MIT WITH A WITH B', false],
    ['((((MIT))))', true],
  ])('has %s as an expression: %s', async (licence, isOne) => {
    const registry = new Registry({ storage: new MemoryStorage() });
    await registry.createModel('m');
    await registry.registerVersion('m', { files: { f: 'x' }, licence });
    const { component } = (await registry.bom('m@1')).metadata as { component: { licenses: unknown } };
    expect(component.licenses).toEqual([isOne ? { expression: licence } : { license: { name: licence } }]);
  });

  it('is the same each time, and another one for other contents', async () => {
    const registry = await filled();
    const bom = await registry.bom(ref);
    now += 86_400_000;
    expect(await registry.bom(ref)).toEqual(bom);
    expect((await (await filled()).bom(ref)).serialNumber).toBe(bom.serialNumber);
    await registry.registerVersion('fraud: "v2" | 日本', { files: { f: 'other' }, licence: 'Our own, see LICENCE' });
    const other = await registry.bom('fraud: "v2" | 日本@2');
    expect(other.serialNumber).not.toBe(bom.serialNumber);
    expect(validate(JSON.parse(JSON.stringify(other))), JSON.stringify(validate.errors)).toBe(true);
  });
});
