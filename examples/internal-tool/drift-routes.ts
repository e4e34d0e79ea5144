import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import * as z from 'zod';
import { only, type Caller } from './auth.ts';
import { bodyOf } from './model-routes.ts';
import type { Models } from './models.ts';

const value = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const observationsSchema = z.strictObject({
  observations: z.array(z.strictObject({ version: z.int().optional(), features: z.record(z.string(), value), prediction: value.optional() })).min(1).max(10_000),
});

/** What models are asked: reported by those who serve them, and judged by their monitors. */
export function driftRoutes(models: Models): Hono<Caller> {
  const routes = new Hono<Caller>();
  // #region drift
  routes.post('/:model/observations', only('engineer', 'approver'), bodyLimit({ maxSize: 8 << 20 }), async (c) => {
    const { observations } = await bodyOf(c, observationsSchema);
    const monitor = await models.monitorOf(c.req.param('model'));
    for (const observation of observations) monitor.observe(observation);
    // Stored before it is acknowledged.
    await monitor.flush();
    return c.json({ taken: observations.length }, 202);
  });
  routes.get('/:model/drift', async (c) => {
    const monitor = await models.monitorOf(c.req.param('model'));
    const { status, summary, driftedColumns, window } = await monitor.check();
    return c.json({ status, summary, driftedColumns, window });
  });
  // #endregion drift
  routes.get('/:model/alerts', async (c) => {
    const monitor = await models.monitorOf(c.req.param('model'));
    const { items, next } = await monitor.alertHistory({ after: c.req.query('after') });
    return c.json({ events: items, next });
  });
  return routes;
}
