// Which row of a record each row on the screen is. The form knows rows by position; a record knows them by an id that stays.
//
// Not here: answers in rows (session.ts).

import type { Key, RecordView, Row, Value } from "../core/types";
import type { Node, OpenForm } from "./engine";
import { type Fields, orderAfter } from "./keys";
import { unwatched } from "./watch";

/** The field that holds a row's id, put into every repeat when a form is imported. */
export const ROW_FIELD = "trib_row";

export interface Seat {
  group: number;
  row: string;
  parent: string | undefined;
  order: string;
  /** Whether the record has it, or a save that was made. */
  stored: boolean;
  /** Somebody removed it who had not seen all that is in it. */
  contested: boolean;
}

export class Seats {
  private readonly byNode = new Map<string, Seat>();
  /** All rows of a repeat inside the row around it, in order, also those that the form hides by its count. */
  private readonly lists = new Map<string, Seat[]>();
  private readonly repeats: Node[] = [];

  constructor(
    form: OpenForm,
    private readonly fields: Fields,
    private readonly idOf: (text: string) => string,
    /** In order. */
    rows: readonly Row[],
  ) {
    for (const { group, row, parent, order, deleted, contested } of rows) {
      const list = this.list(group, parent);
      if (!deleted) list.push({ group, row, parent, order, stored: true, contested });
      else this.behind.set(`${group}/${parent ?? ""}`, order);
    }
    this.collect(form.root);
  }

  /** The last order of a deleted row, so that a new one does not take its place. */
  private readonly behind = new Map<string, string>();

  private list(group: number, parent: string | undefined): Seat[] {
    const name = `${group}/${parent ?? ""}`;
    let list = this.lists.get(name);
    if (list === undefined) this.lists.set(name, (list = []));
    return list;
  }

  private collect(from: Node): void {
    unwatched(() => {
      if (from.kind === "repeat") this.repeats.push(from);
      else for (const inner of from.children) this.collect(inner);
    });
  }

  /** Finds seats for rows that came; tells which. */
  update(): { node: Node; seat: Seat; known: boolean }[] {
    const come: { node: Node; seat: Seat; known: boolean }[] = [];
    // The list grows while it is walked: new rows bring repeats of their own.
    for (let i = 0; i < this.repeats.length; i++) {
      const repeat = this.repeats[i];
      if (repeat === undefined) continue;
      unwatched(() => repeat.children).forEach((node, index) => {
        if (this.byNode.has(node.id)) return;
        const found = this.find(repeat, node, index);
        if (found === undefined) return;
        this.byNode.set(node.id, found.seat);
        come.push({ node, ...found });
        for (const inner of unwatched(() => node.children)) this.collect(inner);
      });
    }
    return come;
  }

  private find(repeat: Node, node: Node, index: number): { seat: Seat; known: boolean } | undefined {
    const group = this.fields.at(repeat.path)?.id;
    if (group === undefined) return undefined;
    const parent = this.around(repeat)?.row;
    const list = this.list(group, parent);
    const text = unwatched(() => node.children.find((c) => c.name === ROW_FIELD)?.text ?? "");
    const byId = list.find((s) => s.row === text);
    // A counted row that comes back is the one that stood there, with all that was answered in it.
    const byPlace = repeat.counted ? list[index] : undefined;
    const known = this.takeBack(group, parent, repeat.counted) ?? byId ?? byPlace;
    if (known !== undefined) return { seat: known, known: true };
    const last = [list.at(-1)?.order, this.behind.get(`${group}/${parent ?? ""}`)].filter((o) => o !== undefined).sort(compare).at(-1);
    const seat = { group, row: this.idOf(text), parent, order: orderAfter(last), stored: false, contested: false };
    list.push(seat);
    return { seat, known: false };
  }

  private expected: Seat | undefined;

  /** A row that was removed and must stand again: the next new row of its repeat is this one. */
  restore(seat: Seat): void {
    this.list(seat.group, seat.parent).push(seat);
    this.removed.delete(seat.row);
    this.expected = seat;
  }
  private takeBack(group: number, parent: string | undefined, counted: boolean): Seat | undefined {
    const seat = this.expected;
    if (seat === undefined || counted || seat.group !== group || seat.parent !== parent) return undefined;
    this.expected = undefined;
    return seat;
  }

  /** The seat of the nearest row around a node, or of the node itself. */
  around(node: Node): Seat | undefined {
    for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
      if (at.kind === "row") return this.byNode.get(at.id);
    }
    return undefined;
  }

  /** Rows that were removed in this session. */
  readonly removed = new Map<string, Seat>();

  remove(node: Node): Seat | undefined {
    const seat = this.byNode.get(node.id);
    if (seat === undefined) return undefined;
    const list = this.list(seat.group, seat.parent);
    list.splice(list.indexOf(seat), 1);
    this.behind.set(`${seat.group}/${seat.parent ?? ""}`, seat.order);
    this.byNode.delete(node.id);
    this.removed.set(seat.row, seat);
    return seat;
  }

  /** A row and those around it, the outermost first. */
  chain(seat: Seat): Seat[] {
    const around = seat.parent === undefined ? undefined : [...this.byNode.values()].find((s) => s.row === seat.parent);
    return around === undefined ? [seat] : [...this.chain(around), seat];
  }

  byRow(row: string): Seat | undefined {
    return [...this.byNode.values()].find((s) => s.row === row);
  }
  /** Those of rows on the screen. */
  all(): Iterable<Seat> {
    return this.byNode.values();
  }
}

/** The rows of a record, as changes that are not saved leave them. */
export function rowsOf(view: RecordView | undefined, pending: ReadonlyMap<Key, Value>): Row[] {
  const rows = (view?.rows ?? []).map((r) => ({ ...r }));
  for (const [key, value] of pending) {
    const found = /^g(\d+)\.([0-9a-f]{16})\.row$/.exec(key);
    if (!found?.[1] || !found[2]) continue;
    const known = rows.find((r) => r.row === found[2]);
    if (known) known.deleted = "deleted" in value;
    else if ("row" in value) {
      const slash = value.row.indexOf("/");
      const around = slash < 0 ? {} : { parent: value.row.slice(0, slash) };
      rows.push({ group: Number(found[1]), row: found[2], order: value.row.slice(slash + 1), deleted: false, contested: false, ...around });
    }
  }
  return rows.sort((a, b) => compare(a.order, b.order) || compare(a.row, b.row));
}

/** What a row's key holds while it stands. */
export function placeOf(seat: Seat): Value {
  return { row: seat.parent === undefined ? seat.order : `${seat.parent}/${seat.order}` };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
