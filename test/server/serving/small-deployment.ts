import { ConflictError, ModelkeepError, NotFoundError, type ModelSignature, type SignatureSource } from 'modelkeep';
import { signatureOf } from 'modelkeep';
import type { ServedDeployment, ServedFeedback } from '../../../src/server/serving/served-deployment.ts';
import type { MetricFamily } from '../../../src/serving/metrics/metric-family.ts';
import type { VersionStatus } from '../../../src/serving/version-status.ts';

export interface SmallVersion {
  readonly signature?: SignatureSource;
  readonly predict: (input: never, signal: AbortSignal) => unknown;
}

/** A deployment of functions, with as much around them as a handler can see. */
export class SmallDeployment implements ServedDeployment {
  readonly model: string;
  readonly given: ServedFeedback[] = [];
  readonly inputs: unknown[] = [];
  readonly options: unknown[] = [];
  readonly #versions: ReadonlyMap<number, SmallVersion & { readonly spec?: ModelSignature | undefined }>;
  readonly #loaded: Set<number>;
  readonly #stable: number | undefined;
  #asked = 0;

  constructor(model: string, versions: Readonly<Record<number, SmallVersion>>, stable: number | 'none' = 1) {
    this.model = model;
    this.#versions = new Map(Object.entries(versions).map(([version, given]) => [Number(version), { ...given, spec: given.signature && signatureOf(given.signature) }]));
    this.#stable = stable === 'none' ? undefined : stable;
    this.#loaded = new Set(stable === 'none' ? [] : [stable]);
  }

  async predict(input: unknown, options: Parameters<ServedDeployment['predict']>[1] = {}) {
    this.inputs.push(input);
    this.options.push(options);
    const version = options.version ?? this.#stable!;
    const output = await this.#versions.get(version)!.predict(input as never, options.signal!);
    const reason = options.version === undefined ? ('stable' as const) : ('override' as const);
    return { id: options.id ?? `p${this.#asked++}`, output, version, reason, cached: false, latencyMs: 2, computeMs: 1, batchSize: 1 };
  }

  feedback(feedback: ServedFeedback | readonly ServedFeedback[]): void {
    this.given.push(...[feedback].flat());
  }

  async ready(): Promise<void> {
    if (this.#stable === undefined) throw new ModelkeepError('unavailable', `'${this.model}' has no version in use: /secret/place was not there.`);
  }

  status() {
    const versions = [...this.#versions.keys()].map((version): VersionStatus => ({ version, state: this.#loaded.has(version) ? 'ready' : 'unloaded', bytes: 0, inFlight: 0, queued: 0, ...(version === this.#stable && { arm: 'stable' }) }));
    return { stable: this.#stable, versions };
  }

  signature(version = this.#stable): ModelSignature | undefined {
    return version === undefined || !this.#loaded.has(version) ? undefined : this.#versions.get(version)!.spec;
  }

  async resolve({ version, label }: { version?: number; label?: string }): Promise<number> {
    const found = label === 'production' ? this.#stable : version;
    if (found === undefined || !this.#versions.has(found)) throw new NotFoundError(`There is no ${label ?? version}.`);
    return found;
  }

  async load(version: number): Promise<void> {
    this.#loaded.add(await this.resolve({ version }));
  }

  async unload(version: number): Promise<void> {
    if (version === this.#stable) throw new ConflictError(`Version ${version} is in use.`);
    this.#loaded.delete(version);
  }

  metricFamilies(): MetricFamily[] {
    return [{ name: 'modelkeep_predictions_total', help: 'Predictions.', type: 'counter', samples: [{ suffix: '', labels: { model: this.model }, value: this.#asked }] }];
  }
}
