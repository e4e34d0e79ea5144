import { Hono } from 'hono';
import { authenticate, type Caller, type FindUser } from './auth.ts';
import { driftRoutes } from './drift-routes.ts';
import { answerError } from './errors.ts';
import { modelRoutes } from './model-routes.ts';
import type { Models } from './models.ts';

/** The tool as one function from a request to a response; mount it wherever you run Hono. */
export function createApp(models: Models, findUser: FindUser): Hono<Caller> {
  const app = new Hono<Caller>();
  // #region app
  app.get('/health', (c) => c.json({ status: 'alive' }));
  app.get('/ready', async (c) => ((await models.isReady()) ? c.json({ status: 'ready' }) : c.json({ status: 'the store does not answer' }, 503)));
  app.use('/models/*', authenticate(findUser));
  app.route('/models', modelRoutes(models));
  app.route('/models', driftRoutes(models));
  app.notFound((c) => c.json({ error: { code: 'not-found', message: `There is no ${c.req.method} ${c.req.path}.` } }, 404));
  app.onError(answerError);
  // #endregion app
  return app;
}
