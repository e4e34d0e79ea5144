/** `fetch(request)` whose signal still ends it after a collection of garbage: Node lets go of the signal of a Request that nothing holds any more (nodejs/undici#4068), and a limit of time would reach nothing. */
export async function sendRequest(fetch: (request: Request) => Promise<Response>, request: Request): Promise<Response> {
  return fetch(request).finally(() => void request);
}
