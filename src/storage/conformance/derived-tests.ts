import type { NewAuditEvent } from '../../core/audit.ts';
import { ConflictError, isModelkeepError } from '../../core/errors.ts';
import { changeHead, readHead, readHistory, type HeadLocation } from '../head-record.ts';
import { readValue, readValues, writeValue } from '../records.ts';
import { update } from '../update.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { keysOf, putOk, textOf } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

const oddValue = {
  numbers: [0, -0, 1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 5e-324],
  big: 2n ** 63n,
  text: 'é😀\u2028\0"\\',
  bytes: Uint8Array.of(0, 255),
  date: new Date(-1),
  nothing: null,
  $key: { $$date: 'no date' },
  nested: [[], {}, [{ deep: [null] }]],
};

/** What modelkeep derives from every adapter: decoded values, updates, head records. */
export function derivedTests(test: DeclareTest): void {
  test('values come back as they were, odd ones too', async ({ storage }) => {
    const version = await writeValue(storage, 'a', oddValue);
    assertEqual(await readValue(storage, 'a'), { value: oddValue, version }, 'the value');
    assertEqual((await readValues(storage, ['x', 'a'])).map((record) => record?.value), [undefined, oddValue], 'the values');
    await assertRejects('conflict', () => writeValue(storage, 'a', 1, { condition: 'absent' }), 'a value that must not exist');
    await putOk(storage, 'a', 'no JSON');
    await assertRejects('integrity', () => readValue(storage, 'a'), 'a record of other bytes');
  });

  test('an update gives the next value, writes nothing for the same, and passes on what it throws', async ({ storage }) => {
    assertEqual((await update<string[]>(storage, 'a', (list = []) => [...list, 'one'])).value, ['one'], 'the first update');
    const { version } = await update<string[]>(storage, 'a', (list = []) => [...list, 'two']);
    assertEqual(await update(storage, 'a', (value) => value), { value: ['one', 'two'], version }, 'an update that changes nothing');
    const refusing = (): never => {
      throw new ConflictError('Not like this.');
    };
    await assertRejects('conflict', () => update(storage, 'a', refusing), 'an update that throws');
    assertEqual(await readValue(storage, 'a'), { value: ['one', 'two'], version }, 'the value');
    assertEqual([(await update(storage, 'b', (value) => value)).version, await keysOf(storage)], [undefined, ['a']], 'an update of nothing to nothing');
  });

  test('an update gives up when others are always first', async ({ storage }) => {
    let rounds = 0;
    const error = await update<number>(
      storage,
      'a',
      () => {
        // Started here, it is applied before the write that this value is for.
        void putOk(storage, 'a', String(rounds));
        return ++rounds;
      },
      { attempts: 3, clock: { now: () => 0, monotonic: () => 0, setTimer: (callback) => (queueMicrotask(callback), () => undefined) } },
    ).catch((failure: unknown) => failure);
    assertEqual([isModelkeepError(error, 'conflict'), rounds, await textOf(storage, 'a')], [true, 3, '2'], 'after three attempts');
  });

  test('a head record and its history tell the same, in order and without gaps', async ({ storage }) => {
    const at: HeadLocation = { storage, key: 'model/a' };
    const event = (type: string): NewAuditEvent => ({ type, subject: { kind: 'model', id: 'a' }, by: 'test', data: null });
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        changeHead<number>(at, (state = 0) => ({ state: state + 2, events: [event(`first ${i}`), event(`second ${i}`)] })),
      ),
    );
    assertEqual(await changeHead(at, () => undefined), { state: 20, events: [] }, 'a change that changes nothing');
    const history = await readHistory(at);
    assertEqual([await readHead(at), history.length], [20, 20], 'the state and its events');
    assertEqual(history.map(({ sequence }) => sequence), Array.from({ length: 20 }, (_, i) => i + 1), 'sequences');
    assert(new Set(history.map(({ id }) => id)).size === 20, 'An event is there twice');
    for (let i = 0; i < 20; i += 2) assertEqual(history[i]!.type.replace('first', 'second'), history[i + 1]!.type, 'events of one change');
  });
}
