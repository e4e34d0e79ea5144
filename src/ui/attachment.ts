import { wellFormed } from '../core/bytes.ts';

/** The content-disposition of a file that is kept under a name, whatever its characters are, by RFC 6266 and RFC 8187; what UTF-8 cannot hold becomes U+FFFD. */
export function attachment(name: string): string {
  return `attachment; filename*=UTF-8''${encodeURIComponent(wellFormed(name)).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`)}`;
}
