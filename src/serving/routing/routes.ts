import { ModelkeepError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { TrafficShare } from '../metrics/serving-gauges.ts';
import type { Arm, ServedReason } from '../prediction.ts';
import type { Traffic } from '../rollout/rollout-state.ts';
import type { VersionSet } from '../versions/version-set.ts';
import type { VersionSlot } from '../versions/version-slot.ts';
import type { VersionStatus } from '../version-status.ts';
import type { DeployedAssignment, DeployedExperiment, UnitAttributes } from './deployed-experiment.ts';
import { ReadyPointer } from './ready-pointer.ts';
import { armOf, isShadowed } from './route.ts';

/** What decides where requests go. */
export interface RoutesParts<Input, Output> {
  readonly model: string;
  readonly versions: VersionSet<Input, Output>;
  /** What a rollout says; replaced as a whole when it changes. */
  readonly traffic: () => Traffic;
  /** The version that the registry says is in use. */
  readonly followed: () => number | undefined;
  /** The versions that labels name. */
  readonly labels: readonly string[];
  readonly labelled: (label: string) => number | undefined;
  readonly fallback: 'stable' | number | false;
  readonly experiment: DeployedExperiment | undefined;
  readonly random: Random;
}

/** Which version answers a request, and why. */
export interface Choice<Input, Output> {
  readonly slot: VersionSlot<Input, Output>;
  readonly arm: Arm;
  readonly reason: ServedReason;
  /** The variant of the experiment. */
  readonly variant?: string | undefined;
}

const reasons = { stable: 'stable', control: 'control', candidate: 'canary' } as const;

/** Where requests go. What names a version, such as the stage `production` or a share of traffic, moves to another only when that one is ready, and stays where it is until then. */
export class Routes<Input, Output> {
  readonly #parts: RoutesParts<Input, Output>;
  readonly #stable = new ReadyPointer();
  readonly #labels: ReadonlyMap<string, ReadyPointer>;
  #traffic: Traffic = {};
  /** Whether the experiment decides, which it does once rollouts are kept out. */
  experimenting = false;
  #settling: 'no' | 'once' | 'again' = 'no';

  constructor(parts: RoutesParts<Input, Output>) {
    this.#parts = parts;
    this.#labels = new Map(parts.labels.map((label) => [label, new ReadyPointer()]));
  }

  /** The version in use; absent before the first is ready. */
  get stable(): number | undefined {
    return this.#stable.serving;
  }

  /** The version that should be in use; absent when there is none, or it is not known yet. */
  get wanted(): number | undefined {
    return this.#stable.wanted;
  }

  /** What traffic is shared by. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  /** The version that a label names and that is ready; absent when the label is none of those that are kept. */
  labelled(label: string): number | undefined {
    return this.#labels.get(label)?.serving;
  }

  /** As what a version is in use. */
  armOf(version: number): VersionStatus['arm'] {
    if (version === this.#stable.serving) return 'stable';
    return version === this.#traffic.candidate?.version ? 'candidate' : undefined;
  }

  /** Takes in what has changed: which versions there must be, and which of them are ready. */
  settle(): void {
    if (this.#settling !== 'no') {
      this.#settling = 'again';
      return;
    }
    do {
      this.#settling = 'once';
      this.#settleOnce();
    } while ((this.#settling as string) === 'again');
    this.#settling = 'no';
  }

  /** Which version answers a request that names none. @param kept - What the experiment has stored of the key, in the place of what it would say now. */
  choose(key: string | undefined, attributes: UnitAttributes | undefined, kept?: DeployedAssignment): Choice<Input, Output> | undefined {
    const { traffic, versions, random } = this.#parts;
    if (traffic() !== this.#traffic) this.settle();
    const tried = this.experimenting && key !== undefined ? this.#variantOf(key, attributes, kept) : undefined;
    if (tried) return tried;
    const { candidate } = this.#traffic;
    const slot = candidate && versions.ready(candidate.version);
    if (candidate && slot) {
      const arm = armOf(candidate, key, random);
      if (arm === 'candidate') return this.#use(candidate.version, arm, reasons[arm]);
      if (arm === 'control') return this.#use(this.#stable.serving, arm, reasons[arm]);
    }
    return this.#use(this.#stable.serving, 'stable', 'stable');
  }

  /** A version that the caller names, if it is in memory. */
  override(version: number): Choice<Input, Output> | undefined {
    return this.#use(version, this.armOf(version) ?? 'stable', 'override');
  }

  /** What answers in the place of a version that failed; absent when nothing may, or nothing is ready. */
  fallbackOf(failed: number): Choice<Input, Output> | undefined {
    const { fallback } = this.#parts;
    if (fallback === false) return undefined;
    const version = fallback === 'stable' ? this.#stable.serving : fallback;
    return version === failed ? undefined : this.#use(version, 'stable', 'fallback');
  }

  /** What is given a copy of a request that a version has answered; absent when nothing is. */
  shadowOf(answered: number, key: string | undefined): Choice<Input, Output> | undefined {
    const { candidate } = this.#traffic;
    if (candidate === undefined || candidate.version === answered || !isShadowed(candidate, key, this.#parts.random)) return undefined;
    return this.#use(candidate.version, 'candidate', 'canary');
  }

  /** Which share of the requests each version is to answer. */
  shares(): TrafficShare[] {
    const { candidate } = this.#traffic;
    const { serving } = this.#stable;
    const weight = candidate?.weight ?? 0;
    const control = Math.min(candidate?.controlWeight ?? 0, 1 - weight);
    return [
      ...(serving === undefined ? [] : [{ version: serving, arm: 'stable', share: 1 - weight - control } as const, ...(candidate ? [{ version: serving, arm: 'control', share: control } as const] : [])]),
      ...(candidate ? [{ version: candidate.version, arm: 'candidate', share: weight } as const, { version: candidate.version, arm: 'shadow', share: candidate.shadow } as const] : []),
    ];
  }

  /** Why no version can be in use yet; absent while it is loading. */
  reasonNotReady(): ModelkeepError | undefined {
    const { wanted } = this.#stable;
    return wanted === undefined ? undefined : this.#parts.versions.failureOf(wanted);
  }

  /** The variant of a key, when the version that serves it is ready: a unit whose variant cannot be served takes no part. */
  #variantOf(key: string, attributes: UnitAttributes | undefined, kept: DeployedAssignment | undefined): Choice<Input, Output> | undefined {
    const { experiment } = this.#parts;
    const { variant, reason } = kept ?? experiment?.assign(key, attributes) ?? {};
    if (variant === undefined) return undefined;
    const version = experiment!.variants.find(({ name }) => name === variant)?.version ?? this.#stable.serving;
    const choice = this.#use(version, version === this.#stable.serving ? 'stable' : 'candidate', reason === 'sticky' ? 'sticky' : 'experiment');
    return choice && { ...choice, variant };
  }

  #use(version: number | undefined, arm: Arm, reason: ServedReason): Choice<Input, Output> | undefined {
    const slot = version === undefined ? undefined : this.#parts.versions.use(version);
    return slot && { slot, arm, reason };
  }

  #settleOnce(): void {
    const { traffic, followed, labelled, versions, fallback } = this.#parts;
    this.#traffic = traffic();
    const isReady = (version: number): boolean => versions.ready(version) !== undefined;
    // A stage that was emptied leaves the version that was in it: a model is not out of use because nobody says which one is in.
    this.#stable.point(this.#traffic.stable ?? followed(), isReady);
    for (const [label, pointer] of this.#labels) pointer.point(labelled(label), isReady);
    const needed = new Set([...this.#stable.versions(), ...[...this.#labels.values()].flatMap((pointer) => pointer.versions())]);
    if (this.#traffic.candidate) needed.add(this.#traffic.candidate.version);
    if (typeof fallback === 'number') needed.add(fallback);
    for (const { version } of this.#parts.experiment?.variants ?? []) if (version !== undefined) needed.add(version);
    versions.need(needed);
  }
}
