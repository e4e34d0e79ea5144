import { batchRoutes } from './batch-routes.ts';
import { blobRoutes } from './blob-routes.ts';
import { logRoutes } from './log-routes.ts';
import { recordRoutes } from './record-routes.ts';
import type { Route } from './route.ts';
import { storeRoutes } from './store-routes.ts';
import { uploadRoutes } from './upload-routes.ts';

/** Everything that can be asked for. */
export const routes: readonly Route[] = [...storeRoutes, ...recordRoutes, ...batchRoutes, ...logRoutes, ...blobRoutes, ...uploadRoutes];
