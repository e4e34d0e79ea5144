export { exportUiPage, type ExportPageOptions } from './ui/export-page.ts';
export { createUiHandler } from './ui/ui-handler.ts';
export type { UiHandler } from './ui/ui-handler.ts';
export type { UiAccess, UiAuthorize, UiHandlerOptions, UiIdentity, UiLimits, UiVerdict } from './ui/ui-options.ts';
