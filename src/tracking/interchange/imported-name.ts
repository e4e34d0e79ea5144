import { digestOf } from '../../core/digest.ts';
import { checkName } from '../metric-name.ts';

const foreign = /[^\p{L}\p{M}\p{N}_/.\- :]/gu;
const longest = 200;

/** The name under which something is imported: its own where modelkeep allows it, else one in which every other character is `_`, with some digits of a digest, so that two names stay two. */
export function importedName(name: string): string {
  try {
    return checkName(name, 'name');
  } catch {
    const parts = name.replace(foreign, '_').split('/');
    const plain = parts.map((part) => (part === '' || part === '.' || part === '..' ? '_' : part)).join('/');
    const digits = digestOf(name.replace(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`)).slice('sha256:'.length, 'sha256:'.length + 8);
    const dot = /[^/](\.[^./]{1,16})$/.exec(plain)?.[1] ?? '';
    const stem = plain.slice(0, plain.length - dot.length).slice(0, longest).replace(/[\ud800-\udbff]$/, '');
    return checkName(`${stem}-${digits}${dot}`, 'name');
  }
}
