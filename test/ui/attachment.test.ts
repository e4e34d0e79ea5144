import fc from 'fast-check';
import { expect, it } from 'vitest';
import { attachment } from '../../src/ui/attachment.ts';

it('a file may be called anything, half a character too', () => {
  expect(attachment('roc\ud800.svg')).toBe("attachment; filename*=UTF-8''roc%EF%BF%BD.svg");
  expect(attachment('\udc00')).toBe("attachment; filename*=UTF-8''%EF%BF%BD");
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const header = attachment(`${name}\ud83d`);
      // What a header can hold, and none of what ends a value.
      expect(header).toMatch(/^attachment; filename\*=UTF-8''[A-Za-z0-9%!~._-]*$/);
      expect(new Headers({ 'content-disposition': header }).get('content-disposition')).toBe(header);
      expect(decodeURIComponent(header.split("''")[1]!).endsWith('\ufffd')).toBe(true);
    }),
  );
});
