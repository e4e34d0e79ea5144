/** An answer as a test compares it. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly version: string | null;
}

/** Has the service worker take over the page. */
export async function register(): Promise<void> {
  const controlled = new Promise<void>((resolve) => navigator.serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true }));
  await navigator.serviceWorker.register('/serving-worker.js', { type: 'module' });
  if (navigator.serviceWorker.controller === null) await controlled;
}

/** Asks as any page asks a model server. */
export async function ask({ path, body }: { path: string; body?: object }): Promise<Answer> {
  const response = await fetch(path, body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json(), version: response.headers.get('x-modelkeep-version') };
}

/** Sends a tensor as bytes, and gives the bytes of the first output. */
export async function askBinary({ path, name, values }: { path: string; name: string; values: Float32Array }): Promise<Float32Array> {
  const head = JSON.stringify({ inputs: [{ name, datatype: 'FP32', shape: [values.length / 3, 3], parameters: { binary_data_size: values.byteLength } }], parameters: { binary_data_output: true } });
  const response = await fetch(path, { method: 'POST', body: new Blob([head, values as Float32Array<ArrayBuffer>]), headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) } });
  const bytes = await response.arrayBuffer();
  return new Float32Array(bytes.slice(Number(response.headers.get('inference-header-content-length'))));
}
