import { describe, expect, it } from 'vitest';
import { MemoryStorage, Registry } from 'modelkeep';

const who = { by: 'tester', reason: 'because' };
const january = `sha256:${'1'.repeat(64)}`;
const march = `sha256:${'3'.repeat(64)}`;

async function compared(): Promise<Registry> {
  const registry = new Registry({ storage: new MemoryStorage() });
  await registry.createModel('fraud');
  await registry.registerVersion('fraud', {
    files: { 'model.json': 'a', 'weights.bin': 'w' },
    metrics: { auc: 0.7, loss: NaN },
    dataset: { digest: january, name: 'january' },
    tags: { team: 'risk' },
    run: 'r1',
    flavor: 'json',
    flavorData: { inputs: [1, 2] },
  });
  await registry.registerVersion('fraud', {
    files: { 'model.json': 'b', 'weights.bin': 'w', 'README.md': 'new' },
    metrics: { auc: 0.7, loss: NaN },
    datasets: [{ dataset: { digest: march, name: 'march' }, role: 'validation' }],
    tags: { team: 'risk' },
    run: 'r2',
    flavor: 'json',
    flavorData: { inputs: [1, 2] },
  });
  await registry.recordEvaluation('fraud@1', { dataset: march, metrics: { auc: 0.5 } });
  await registry.recordEvaluation('fraud@1', { dataset: { digest: march, name: 'march' }, metrics: { auc: 0.6 } });
  await registry.recordEvaluation('fraud@2', { dataset: march, metrics: { auc: 0.65 } });
  await registry.promote('fraud@1', 'production', who);
  return registry;
}

describe('a comparison of versions', () => {
  it('puts every part side by side', async () => {
    const registry = await compared();
    const { versions, attributes, metrics, evaluations, files, datasets, flavorData, tags } = await registry.compareVersions(['fraud@production', 'fraud@2']);
    expect(versions).toEqual([
      { model: 'fraud', version: 1, stage: 'production' },
      { model: 'fraud', version: 2, stage: 'none' },
    ]);
    const verdicts = (items: readonly { name: string; verdict: string }[]): object => Object.fromEntries(items.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts(attributes)).toEqual({ stage: 'different', aliases: 'same', retired: 'same', digest: 'different', size: 'different', run: 'different', flavor: 'same' });
    expect(verdicts(metrics)).toEqual({ auc: 'same', loss: 'same' });
    expect(verdicts(files)).toEqual({ 'model.json': 'different', 'weights.bin': 'same', 'README.md': 'missing' });
    expect(files.find(({ name }) => name === 'README.md')!.values).toEqual([undefined, expect.objectContaining({ size: 3 })]);
    expect(verdicts(datasets)).toEqual({ '': 'missing', validation: 'missing' });
    expect(verdicts(flavorData)).toEqual({ inputs: 'same' });
    expect(verdicts(tags)).toEqual({ team: 'same' });
    expect(evaluations).toEqual([
      { name: 'auc', verdict: 'missing', values: [0.7, undefined], dataset: { digest: january, name: 'january' } },
      { name: 'loss', verdict: 'missing', values: [NaN, undefined], dataset: { digest: january, name: 'january' } },
      { name: 'auc', verdict: 'different', values: [0.6, 0.65], dataset: { digest: march, name: 'march' } },
    ]);
  });

  it('can tell the differences alone', async () => {
    const registry = await compared();
    const { attributes, metrics, files, tags } = await registry.compareVersions(['fraud@1', 'fraud@2', 'fraud@2'], { only: 'differences' });
    expect(attributes.map(({ name }) => name)).toEqual(['stage', 'digest', 'size', 'run']);
    expect(metrics).toEqual([]);
    expect(files.map(({ name }) => name)).toEqual(['model.json', 'README.md']);
    expect(tags).toEqual([]);
  });

  it('finds nothing different between a version and itself', async () => {
    const registry = await compared();
    const { versions: _, ...parts } = await registry.compareVersions(['fraud@2', 'fraud@latest'], { only: 'differences' });
    expect(Object.values(parts).flat()).toEqual([]);
  });

  it('refuses what it cannot compare', async () => {
    const registry = await compared();
    await expect(registry.compareVersions(['fraud@1'])).rejects.toMatchObject({ code: 'validation' });
    await expect(registry.compareVersions(['fraud@1', 'fraud'])).rejects.toMatchObject({ code: 'validation', details: { path: 'refs[1]' } });
    await expect(registry.compareVersions(['fraud@1', 'fraud@9'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(registry.compareVersions(['fraud@1', 'fraud@2'], { only: 'some' as never })).rejects.toMatchObject({ code: 'validation' });
  });
});
