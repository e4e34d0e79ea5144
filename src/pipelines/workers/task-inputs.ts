import { IntegrityError } from '../../core/errors.ts';
import type { AttemptStop } from '../attempt-stop.ts';
import { copyItem, recordedItems, type ItemList } from '../item-list.ts';
import { unpackOutput } from '../output-codec.ts';
import { Outputs } from '../outputs.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { hasOutput, type StepResult } from '../step-result.ts';
import type { StepDefinition } from '../step.ts';
import { fetchOutput } from '../stored-output.ts';
import type { RestoredItems, TrialSubject } from '../trial.ts';
import type { TaskRecord } from './task-record.ts';

/** What the attempts of one round of a run work on, read from what the run has recorded. Outputs never change once they are there, so each is read once. */
export class TaskInputs {
  readonly head: RunHead;
  readonly outputs: Outputs;
  readonly #store: RunStore;
  readonly #known = new Map<string, Promise<void>>();
  readonly #lists = new Map<string, Promise<ItemList>>();

  constructor(store: RunStore, head: RunHead) {
    this.#store = store;
    this.head = head;
    this.outputs = new Outputs(store.storage);
  }

  /** All that an attempt begins with. Throws `IntegrityError` when something of it is lost. */
  async subject(definition: StepDefinition, task: TaskRecord, stop: AttemptStop): Promise<TrialSubject> {
    const { step, index, attempt } = task;
    const states = unpackOutput(await fetchOutput(this.#store.storage, task.states, step), `the states for step ${step}`) as Readonly<Record<string, StepResult>>;
    const sources = Object.values(definition.needs).filter((source) => hasOutput(states[source]));
    await Promise.all(sources.map((source) => once(this.#known, source, () => this.#know(source))));
    const item = index === undefined ? undefined : { index, value: copyItem(await once(this.#lists, step, () => this.#list(step)), index) };
    const restored = definition.items && !item ? await this.#restored(step) : undefined;
    return { definition, item, restored, attempt, stop, states };
  }

  async #know(step: string): Promise<void> {
    const { id } = this.head;
    const output = (await this.#store.step(id, { step }))?.value.output;
    this.outputs.keep({ step }, output);
    if (output === undefined || !('items' in output)) return;
    for (const [index, { value }] of await this.#store.items(id, step, output.items)) {
      if (value.status === 'succeeded') this.outputs.keep({ step, index }, value.output);
    }
  }

  async #list(step: string): Promise<ItemList> {
    const list = (await this.#store.step(this.head.id, { step }))?.value.list;
    if (list === undefined) throw new IntegrityError(`The items of step '${step}' of run ${this.head.id} are not recorded, though an attempt at one was offered.`, { key: step });
    return recordedItems(this.#store.storage, step, list);
  }

  /** A list that was recorded before is not asked for again; how its items stand is for the run to say. */
  async #restored(step: string): Promise<RestoredItems | undefined> {
    const list = (await this.#store.step(this.head.id, { step }))?.value.list;
    return list && { list, states: new Map(), versions: new Map() };
  }
}

/** What `make` gives, made once for each key; what failed is made anew. */
function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const present = made.get(key);
  if (present) return present;
  const making = make().catch((error: unknown) => {
    made.delete(key);
    throw error;
  });
  made.set(key, making);
  return making;
}
