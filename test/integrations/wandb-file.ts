import { crc32 } from '../../src/core/crc32.ts';

/** A varint field of a protobuf message. */
export function number(field: number, value: number | bigint): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

/** A field with a length: a text, or a message of its fields. */
export function nested(field: number, content: string | Uint8Array[]): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content.flatMap((part) => [...part]));
  return Uint8Array.from([...varint(field * 8 + 2), ...varint(bytes.length), ...bytes]);
}

/** An item of a history, config or summary. */
export function item(path: string | string[], json: string): Uint8Array[] {
  return [...(typeof path === 'string' ? [nested(1, path)] : path.map((part) => nested(2, part))), nested(16, json)];
}

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** A `.wandb` file of records, in the log format of LevelDB. */
export function wandbFile(records: Uint8Array[]): Uint8Array {
  const out: number[] = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0];
  for (const record of records) {
    let at = 0;
    let begins = true;
    do {
      let room = 32_768 - (out.length % 32_768);
      if (room < 7) {
        for (; room > 0; room--) out.push(0);
        room = 32_768;
      }
      const piece = record.subarray(at, at + room - 7);
      const ends = at + piece.length === record.length;
      const kind = begins && ends ? 1 : begins ? 2 : ends ? 4 : 3;
      const sum = crc32(Uint8Array.from([kind, ...piece]));
      out.push(sum & 255, (sum >>> 8) & 255, (sum >>> 16) & 255, sum >>> 24, piece.length & 255, piece.length >>> 8, kind, ...piece);
      at += piece.length;
      begins = false;
    } while (at < record.length);
  }
  return Uint8Array.from(out);
}
