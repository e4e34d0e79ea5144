import { Deployment, MemoryStorage, Registry, type DeploymentOptions, type ModelSignature, type StorageAdapter } from 'modelkeep';
import { ManualClock } from '../pipelines/manual-clock.ts';

export const by = { by: 'ann', reason: 'test' };

/** What the models of these tests are asked: they add their offset to `x`. */
export interface Asked {
  readonly x: number;
}

/** A registry with versions of a model, each with the offset `100 * version` in its file. */
export async function registryOf(versions: number, signature?: ModelSignature, storage: StorageAdapter = new MemoryStorage()): Promise<{ storage: StorageAdapter; registry: Registry }> {
  const registry = new Registry({ storage });
  await registry.createModel('m');
  for (let version = 1; version <= versions; version++) {
    // Files of 1000 bytes, so that bytes are easy to count.
    await registry.registerVersion('m', { files: { 'offset.txt': String(100 * version).padEnd(1000) }, ...(signature && { signature }) });
  }
  return { storage, registry };
}

/** What a load of these tests does at each step of the life of a predictor, by version. */
export interface Behaviour {
  load?(version: number, signal: AbortSignal): unknown;
  warmUp?(version: number): unknown;
  predict?(version: number, x: number): unknown;
  dispose?(version: number): void;
}

/** The models of these tests, and what became of them. */
export class Models {
  readonly made: number[] = [];
  readonly gone: number[] = [];
  readonly behaviour: Behaviour;

  constructor(behaviour: Behaviour = {}) {
    this.behaviour = behaviour;
  }

  readonly load: DeploymentOptions<Asked, number>['load'] = async (files, { signal }) => {
    const { version } = files.version;
    await this.behaviour.load?.(version, signal);
    const offset = Number(new TextDecoder().decode(await files.file('offset.txt')));
    this.made.push(version);
    let disposed = false;
    return {
      predict: async ({ x }) => {
        if (disposed) throw new Error('asked after its end');
        const answer = await this.behaviour.predict?.(version, x);
        if (disposed) throw new Error('disposed of while it was asked');
        return (answer as number | undefined) ?? offset + x;
      },
      warmUp: () => this.behaviour.warmUp?.(version),
      dispose: () => {
        if (disposed) throw new Error('disposed of twice');
        disposed = true;
        this.gone.push(version);
        this.behaviour.dispose?.(version);
      },
    };
  };
}

/** A deployment of these models on a clock that stands still, and the errors that it told. */
export function deploy(
  parts: { storage: StorageAdapter; registry: DeploymentOptions['registry'] },
  models: Models,
  options: Partial<DeploymentOptions<Asked, number>> = {},
): { deployment: Deployment<Asked, number>; clock: ManualClock; errors: unknown[] } {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const deployment = new Deployment<Asked, number>({ ...parts, model: 'm', load: models.load, clock, onError: (error) => errors.push(error), ...options });
  return { deployment, clock, errors };
}

/** A promise, and what settles it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
}
