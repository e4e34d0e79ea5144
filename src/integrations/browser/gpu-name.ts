/** What is asked of a WebGL context. */
interface WebGlContext {
  readonly RENDERER: number;
  getExtension(name: string): { readonly UNMASKED_RENDERER_WEBGL?: number; loseContext?(): void } | null;
  getParameter(name: number): unknown;
}

interface Canvas {
  getContext(kind: 'webgl'): WebGlContext | null;
}

interface CanvasGlobals {
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
  readonly document?: { createElement?(name: 'canvas'): Canvas };
}

/** The name of the graphics processor as WebGL tells it, in a page or a worker; `undefined` where it does not. Never throws, and gives the context back. */
export function gpuName(): string | undefined {
  const host: object = globalThis;
  const { OffscreenCanvas, document }: CanvasGlobals = host;
  try {
    const canvas = OffscreenCanvas === undefined ? document?.createElement?.('canvas') : new OffscreenCanvas(1, 1);
    const context = canvas?.getContext('webgl');
    if (context === null || context === undefined) return undefined;
    const name = context.getParameter(context.getExtension('WEBGL_debug_renderer_info')?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER);
    context.getExtension('WEBGL_lose_context')?.loseContext?.();
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
