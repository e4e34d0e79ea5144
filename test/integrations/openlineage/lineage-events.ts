import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { expect } from 'vitest';
import type { LineageRunEvent } from '../../../src/integrations/openlineage/run-event.ts';
import { listen, type ReceivedRequest, type Receiver } from '../receiver.ts';

/** An event as it came. */
export interface ReceivedEvent {
  readonly body: string;
  readonly event: LineageRunEvent;
}

/** A receiver of lineage. */
export type LineageReceiver = Receiver<ReceivedEvent>;

/** Listens for events; `answer` says with what status. */
export function lineageReceiver(answer: (one: ReceivedEvent, n: number) => number | undefined | Promise<number | undefined> = () => 201, port?: number): Promise<LineageReceiver> {
  const read = ({ headers, body }: ReceivedRequest): ReceivedEvent => {
    if (headers['content-type'] !== 'application/json') throw new Error('no JSON');
    return { body, event: JSON.parse(body) as LineageRunEvent };
  };
  return listen(read, answer, port);
}

interface Specification {
  readonly event: object;
  readonly facets: Readonly<Record<string, { readonly name: string; readonly schema: object }>>;
}

const specification = JSON.parse(readFileSync(new URL('../../fixtures/openlineage.json', import.meta.url), 'utf8')) as Specification;
const ajv = new Ajv({ allErrors: true });
const isEvent = ajv.compile(specification.event);
const facets = new Map(Object.entries(specification.facets).map(([url, { name, schema }]) => [url, { name, isValid: ajv.compile(schema) }]));

/** Holds an event, and each of its facets, to the specification. */
function expectValid(event: LineageRunEvent): void {
  isEvent(event);
  expect(isEvent.errors, JSON.stringify(event)).toBeNull();
  expect(event.schemaURL).toBe('https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent');
  for (const each of [event.run, event.job, ...event.inputs, ...event.outputs]) {
    for (const [name, facet] of Object.entries(each.facets)) {
      const kind = facets.get(facet._schemaURL);
      expect(kind?.name).toBe(name);
      kind!.isValid(facet);
      expect(kind!.isValid.errors, JSON.stringify(facet)).toBeNull();
    }
  }
}

/** Holds events to the specification, each run to one beginning, which comes first, and one end, which comes last, and gives each event once, in the order in which they first came. */
export function wholeStory({ received }: Pick<LineageReceiver, 'received'>): LineageRunEvent[] {
  const events = [...new Map(received.map(({ body, event }) => [body, event])).values()];
  const runs = new Map<string, string[]>();
  for (const event of events) {
    expectValid(event);
    const { runId } = event.run;
    runs.set(runId, [...(runs.get(runId) ?? []), event.eventType]);
  }
  for (const types of runs.values()) expect(types.join(' ')).toMatch(/^START( RUNNING)* (COMPLETE|FAIL|ABORT)$/);
  return events;
}

/** What happened to which job. */
export function lines(events: readonly LineageRunEvent[]): string[] {
  return events.map(({ eventType, job }) => `${eventType} ${job.name}`);
}
