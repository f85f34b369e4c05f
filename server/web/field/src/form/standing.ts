// A removal that the core refused: the row stands again, with all that is in it.
//
// Not here: other refusals (session.ts).

import type { Key, Value } from "../core/types";
import { rowKey } from "./keys";
import type { Session } from "./session";

/** The write that a refusal is about: an answer may be lowered by removing the row that it stands in. */
export function blamedWrite(session: Session, writes: ReadonlyMap<Key, Value>, key: Key | undefined): Key | undefined {
  let row = key === undefined || writes.has(key) ? undefined : /^g\d+\.([0-9a-f]{16})\./.exec(key)?.[1];
  while (row !== undefined) {
    const seat = session.seats.removed.get(row);
    if (seat && writes.has(rowKey(seat.group, seat.row))) return rowKey(seat.group, seat.row);
    row = seat?.parent;
  }
  return key;
}

/** Whether the key was that of a removed row, which now stands again. */
export function rowStandsAgain(session: Session, key: Key): boolean {
  const row = /^g\d+\.([0-9a-f]{16})\.row$/.exec(key)?.[1];
  const seat = row === undefined ? undefined : session.seats.removed.get(row);
  if (seat === undefined) return false;
  const { form, fields } = session.given;
  const path = fields.get(seat.group)?.path;
  const repeat = [...form.all()].find((n) => n.kind === "repeat" && n.path === path && session.seats.around(n)?.row === seat.parent);
  if (repeat === undefined) return false;
  const inner = [...session.seats.removed.values()].filter((s) => s.parent === seat.row);
  session.seats.restore(seat);
  repeat.addRow();
  session.formChanged();
  for (const one of inner) rowStandsAgain(session, rowKey(one.group, one.row));
  return true;
}
