/**
 * What a sealed row of the store `small` says: one row of a table, or one page of a directory. A row of the store `large`
 * is one chunk of a body and nothing else.
 * Not here: the seal around it (seal.ts), which page an entry goes to (directory.ts).
 */
import { type Bytes, hex, Reader, unhex, utf8, Writer } from './bytes';
import { VaultError } from './errors';

const ROW = 0;
const PAGE = 1;

/** One record or attachment as its directory lists it. */
export interface Entry {
  key: string;
  /** What the list shows of it. */
  brief: Bytes;
  /** The ids of the rows that hold its body, in their order. */
  chunks: string[];
}

export type Content =
  | { kind: 'row'; table: string; key: string; value: Bytes }
  | { kind: 'page'; table: string; entries: Entry[] };

export function write(content: Content): Bytes {
  const out = new Writer();
  if (content.kind === 'row') {
    out.u8(ROW).part(utf8(content.table)).part(utf8(content.key)).raw(content.value);
    return out.finish();
  }
  out.u8(PAGE).part(utf8(content.table)).u32(content.entries.length);
  for (const entry of content.entries) {
    out.part(utf8(entry.key)).part(entry.brief).u32(entry.chunks.length);
    for (const id of entry.chunks) out.raw(unhex(id));
  }
  return out.finish();
}

export function read(bytes: Bytes): Content {
  const from = new Reader(bytes);
  const kind = from.u8();
  if (kind !== ROW && kind !== PAGE) throw new VaultError('newer_format');
  const table = from.text();
  if (kind === ROW) return { kind: 'row', table, key: from.text(), value: from.rest().slice() };
  const entries: Entry[] = [];
  for (let left = from.u32(); left > 0; left--) {
    const key = from.text();
    const brief = from.part().slice();
    const chunks: string[] = [];
    for (let ids = from.u32(); ids > 0; ids--) chunks.push(hex(from.raw(16)));
    entries.push({ key, brief, chunks });
  }
  return { kind: 'page', table, entries };
}

/** About how many bytes an entry takes in its page. */
export function sizeOf(entry: Entry): number {
  return 12 + entry.key.length + entry.brief.length + 16 * entry.chunks.length;
}
