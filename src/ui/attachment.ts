import { wellFormed } from '../core/bytes.ts';

/** What a browser is told to keep a file as, by RFC 6266 and RFC 8187: any text, of which the part behind the last slash counts; what UTF-8 cannot hold becomes U+FFFD. */
export function attachmentOf(path: string): string {
  const file = wellFormed(path.slice(path.lastIndexOf('/') + 1));
  return `attachment; filename*=UTF-8''${encodeURIComponent(file).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`)}`;
}
