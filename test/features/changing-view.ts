import { aggregate, featureView, type FeatureView } from 'modelkeep';

const options = { name: 'v', entity: ['id'], timestamp: 'at' } as const;
const hourly = { x: 'float64', hour: aggregate.sum('x', { window: '1h' }) } as const;
const lasting = { ...hourly, ever: aggregate.sum('x', { window: 'lifetime' }) } as const;

/** A view after one change and another, of which each needs other online records. */
export const plain: FeatureView = featureView({ ...options, features: hourly });
/** It looks further back. */
export const longer: FeatureView = featureView({ ...options, features: { ...hourly, more: aggregate.mean('x', { window: '2h' }) } });
/** It looks back further still, at another column, too. */
export const longest: FeatureView = featureView({ ...options, features: { ...hourly, more: aggregate.mean('x', { window: '2h' }), most: aggregate.max('y', { window: '3h' }) } });
/** It looks back a lifetime, so that old rows are folded. */
export const ever: FeatureView = featureView({ ...options, features: lasting });
/** It has another lifetime, of another column. */
export const wider: FeatureView = featureView({ ...options, features: { ...lasting, y: 'float64', least: aggregate.min('y', { window: 'lifetime' }) } });
