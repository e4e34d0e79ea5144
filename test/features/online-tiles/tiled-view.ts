import { aggregate, featureView, type FeatureView } from '../../../src/index.ts';

/** A view whose old rows are folded, with an aggregate of each sort that has tiles. */
export const tiledView: FeatureView = featureView({
  name: 'spend',
  entity: ['who'],
  timestamp: 'at',
  columns: { shop: 'string' },
  features: {
    amount: 'float64',
    rows: aggregate.count({ window: 'lifetime' }),
    spent: aggregate.sum('amount', { window: 'lifetime' }),
    most: aggregate.max('amount', { window: 'lifetime' }),
    month: aggregate.mean('amount', { window: '30d' }),
    by_shop: aggregate.count({ window: 'lifetime', by: 'shop' }),
  },
});

/** Whose rows come. */
export const people: readonly string[] = ['anna', 'bert', 'carl'];
