import { store } from './delays.ts';

// #region asking
const { columns } = await store.getOnlineFeatures({
  entities: [{ origin: 'ATL', destination: 'ORD' }],
  features: ['airport_delays:delay', { view: 'airport_delays', as: 'arrival', keys: { origin: 'destination' }, features: ['delay'] }],
});
console.log(columns['delay']![0], columns['arrival__delay']![0]); // 12 34
// #endregion asking

// #region check-results
const { items, next } = await store.checkResults('delays', { suite: 'delay_rows', status: 'failed', from: '2024-05-01' });
for (const { at, suite, batchId, refused, rows, outcomes } of items) {
  console.log(new Date(at), suite, batchId, refused, rows, outcomes.filter(({ status }) => status === 'failed'));
}
console.log(next); // undefined: there are no more pages
// #endregion check-results

const signal = AbortSignal.timeout(60_000);
// #region materialize
await store.materialize('delays', { end: Date.now(), signal, onProgress: ({ done }) => console.log(done, 'rows') });
// #endregion materialize

// #region arrivals
const { events, next: cursor } = await store.arrivals('delays').poll(undefined); // later: poll(cursor)
for (const { id, data } of events) console.log(id, data.rows, new Date(data.to));
// #endregion arrivals
console.log((await store.arrivals('delays').poll(cursor)).events.length);

// #region forget
console.log(await store.forget('delays', [{ origin: 'ATL' }])); // { rows: 1, quarantined: 1, online: 1, served: 0, datasets: 0 }
// #endregion forget
