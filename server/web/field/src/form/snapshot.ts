// What the form knows by itself and a record must hold all the same: when it began, what once() drew, defaults that the person saw,
// and at the end every calculation. Nothing hidden is touched.
//
// Not here: answers of people (session.ts).

import type { Key, Value } from "../core/types";
import { isCleared, NULL, readAnswer, sameValue } from "./answers";
import { momentNow } from "./digits";
import { rowKey } from "./keys";
import { placeOf } from "./seats";
import type { Session } from "./session";
import { unwatched } from "./watch";

/** The writes to go along with a save; with `finish`, those that end an interview. */
export function takeSnapshot(session: Session, finish: boolean): [Key, Value][] {
  const { form, xform, now } = session.given;
  const writes: [Key, Value][] = [];
  unwatched(() => {
    for (const node of form.all()) {
      const field = session.field(node);
      const key = session.keyOf(node);
      if (field === undefined || key === undefined || node.kind === "row" || node.kind === "repeat" || node.kind === "group") continue;
      if (field.type === "row_id" || field.type === "note" || node.path.includes("/meta/") || !node.relevant) continue;
      // A row that nobody touched begins to be one when the interview ends.
      if (!finish && session.seats.around(node)?.stored === false) continue;
      const answer = session.answer(key);
      const derived = /^(calculate|hidden|metadata)\b/.test(field.type);
      if (finish && xform.ends.has(node.path)) {
        writes.push([key, { datetime: momentNow(now()) }]);
        continue;
      }
      if (!derived && answer.value !== undefined) continue;
      if (derived && answer.value !== undefined && !finish) continue;
      if (derived && !finish && field.type.startsWith("calculate") && !xform.once.has(node.path)) continue;
      const read = readAnswer(field.type, node.text);
      // Conflicts of calculations are seen on the last page; they end there, or stay.
      if ("problem" in read || (answer.lives.length > 1 && !answer.seen)) continue;
      const gone = isCleared(read.value);
      if (gone && (isCleared(answer.value) || !field.type.startsWith("calculate"))) continue;
      if (sameValue(read.value, answer.value) && answer.lives.length <= 1) continue;
      answer.value = gone ? NULL : read.value;
      writes.push([key, answer.value]);
    }
    if (!finish) return;
    for (const seat of session.seats.all()) if (!seat.stored) writes.push([rowKey(seat.group, seat.row), placeOf(seat)]);
  });
  return writes;
}
