import { Hono, type Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';
import { only, type Caller } from './auth.ts';
import type { Models } from './models.ts';

const reasonSchema = z.strictObject({ reason: z.string().min(1).max(1_000) });
const promotionSchema = reasonSchema.extend({ stage: z.enum(['staging', 'production']) });

/** The body of a request, as a schema takes it; 400 with what is wrong. */
export async function bodyOf<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const body: unknown = await c.req.json().catch((cause: unknown) => {
    throw new HTTPException(400, { message: 'The body is no JSON text.', cause });
  });
  const { data, error } = schema.safeParse(body);
  if (error) throw new HTTPException(400, { message: error.issues.map(({ path, message }) => `${path.length === 0 ? 'The body' : path.join('.')}: ${message}`).join('; ') });
  return data;
}

// #region routes
/** Models and their versions: looked at by everybody, approved and moved by those who may, in their own name. */
export function modelRoutes(models: Models): Hono<Caller> {
  const routes = new Hono<Caller>();
  routes.get('/', async (c) => {
    const { items, next } = await models.registryOf(c.get('user').name).listModels({ limit: 50, after: c.req.query('after') });
    return c.json({ models: items.map(({ name, description, production, staging }) => ({ name, description, production, staging })), next });
  });
  routes.get('/:model', async (c) => {
    const registry = models.registryOf(c.get('user').name);
    const name = c.req.param('model');
    const { items: versions } = await registry.listVersions(name, { limit: 20 });
    return c.json({ model: await registry.getModel(name), versions: versions.map(({ version, stage, createdAt, createdBy, metrics }) => ({ version, stage, createdAt, createdBy, metrics })) });
  });
  routes.get('/:model/history', async (c) => c.json({ events: await models.registryOf(c.get('user').name).history(c.req.param('model')) }));

  routes.post('/:model/versions/:version/approval', only('approver'), async (c) => {
    const { reason } = await bodyOf(c, reasonSchema);
    const { name: by } = c.get('user');
    await models.registryOf(by).approve(refOf(c), { by, reason });
    return c.json({ approved: refOf(c), by });
  });
  routes.get('/:model/versions/:version/gates', async (c) => c.json(await models.registryOf(c.get('user').name).checkGates(refOf(c), 'production')));
  routes.post('/:model/versions/:version/promotion', only('engineer', 'approver'), async (c) => {
    const { stage, reason } = await bodyOf(c, promotionSchema);
    const { name: by } = c.get('user');
    const { version } = await models.registryOf(by).promote(refOf(c), stage, { by, reason });
    return c.json({ version, stage, by });
  });
  routes.post('/:model/rollback', only('engineer', 'approver'), async (c) => {
    const { reason } = await bodyOf(c, reasonSchema);
    const { name: by } = c.get('user');
    const { version } = await models.registryOf(by).rollback(c.req.param('model'), { by, reason });
    return c.json({ version, stage: 'production', by });
  });
  return routes;
}
// #endregion routes

function refOf(c: Context): string {
  return `${c.req.param('model')}@${c.req.param('version')}`;
}
