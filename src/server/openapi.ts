import * as z from 'zod/mini';
import { changeSchemas } from '../registry/change-input.ts';
import { protocolPath } from '../storage/http-protocol.ts';
import { jsonType } from './answer.ts';
import type { Route, RouteAnswer } from './route.ts';
import * as schemas from './schemas.ts';

const problem: RouteAnswer = { description: 'An error: its code, a message for people, and facts.', schema: schemas.wireError };

/** The OpenAPI 3.1 document of routes, out of the schemas that check their requests. */
export function openApiOf(routes: readonly Route[], basePath: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = (paths[`/${protocolPath}${route.path}`] ??= {});
    path[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'modelkeep storage',
      version: '1',
      description:
        'Version 1 of the protocol between HttpStorage and createStorageHandler. Frames are a length of a JSON header and a length of a body, each 32 bits little-endian, then both. ' +
        'Where a server has workspaces, every path also exists under /workspaces/{workspace}. HEAD is answered wherever GET is.',
    },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    paths,
    components: { schemas: { WireError: jsonSchema(schemas.wireError), ...changes() } },
  };
}

function operationOf(route: Route): Record<string, unknown> {
  const parameters = [
    ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...queryParameters(route),
    ...Object.entries(route.headers ?? {}).map(([name, description]) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } })),
  ];
  const { body } = route;
  return {
    operationId: route.id,
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    // A schema of frames describes the header of each.
    ...(body && { requestBody: { required: true, description: body.description, content: { [body.type]: contentOf(body.type, body.schema) } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.answers).map(([status, answer]) => [status, responseOf(answer)])),
      ...(route.open !== true && { '4XX': responseOf(problem) }),
      '5XX': responseOf(problem),
    },
    ...(route.open && { security: [] }),
  };
}

function queryParameters({ query }: Route): Record<string, unknown>[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(query) as { properties?: Record<string, unknown>; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}

function contentOf(type: string, schema: z.ZodMiniType | undefined): Record<string, unknown> {
  if (schema === undefined) return {};
  return type === jsonType ? { schema: jsonSchema(schema) } : { 'x-frame-header': jsonSchema(schema) };
}

function responseOf({ description, type, schema, headers }: RouteAnswer): Record<string, unknown> {
  const media = type ?? (schema && jsonType);
  const content = schema === schemas.wireError ? { schema: { $ref: '#/components/schemas/WireError' } } : media && contentOf(media, schema);
  return {
    description,
    ...(headers && { headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }])) }),
    ...(media && { content: { [media]: content } }),
  };
}

function changes(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(changeSchemas).map(([name, schema]) => [`registry.${name}`, jsonSchema(schema)]));
}

function jsonSchema(schema: z.ZodMiniType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
