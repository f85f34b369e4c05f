// One interview: what the person did, as writes. Writes come from here alone, never from a change that the form made by itself:
// the form blanks what it hides, and such a blank must not reach anybody's answer.
//
// Not here: what is drawn (render/), how a save becomes durable (the app's `save`).

import type { Key, Live, Value } from "../core/types";
import { type Answer, distinct, type Kept, newAnswer, type SessionOptions } from "./answer";
import { type Problem, instanceText, isCleared, readAnswer, sameValue } from "./answers";
import type { Node } from "./engine";
import { type Field, keyOf, rowKey } from "./keys";
import { placeOf, rowsOf, Seats } from "./seats";
import { takeSnapshot } from "./snapshot";
import { blamedWrite, rowStandsAgain } from "./standing";
import { type Cell, cell, unwatched } from "./watch";

/** How long typing must rest before it is saved. */
export const REST_MS = 400;
const AGAIN_MS = 5000;
/** A changeset holds 2,000 writes; rows may be added to these. */
const WRITES_MAX = 1000;

export class Session {
  readonly seats: Seats;
  readonly kept: Cell<Kept> = cell<Kept>("clean");
  /** A refusal was chosen and is to be confirmed; what stood there before. */
  readonly refusal: Cell<{ node: Node; before: Value | undefined } | undefined> = cell(undefined);
  /** Why something that was removed stands again. */
  readonly notice: Cell<string | undefined> = cell(undefined);
  private readonly answers = new Map<Key, Answer>();
  private readonly dirty = new Map<Key, Value>();
  private flying = new Map<Key, Value>();
  private cancel: (() => void) | undefined;
  private queue: Promise<void> = Promise.resolve();
  /** The record holds something already. */
  private exists: boolean;

  constructor(readonly given: SessionOptions) {
    const { view, form, fields, rowIdOf, pending } = given;
    this.exists = view !== undefined && Object.keys(view.answers).length > 0;
    for (const [key, lives] of Object.entries(view?.answers ?? {})) this.answer(key).lives = distinct(lives);
    for (const answer of this.answers.values()) answer.value = answer.lives[0]?.value;
    this.seats = new Seats(form, fields, rowIdOf, rowsOf(view, pending));
    for (const [key, value] of pending) {
      this.dirty.set(key, value);
      this.answer(key).value = value;
    }
    this.formChanged();
    this.putFiles();
    this.tell();
  }

  /** The answer at a key; made where there is none. */
  answer(key: Key): Answer {
    let known = this.answers.get(key);
    if (known === undefined) {
      known = newAnswer(key);
      this.answers.set(key, known);
    }
    return known;
  }

  field(node: Node): Field | undefined {
    return this.given.fields.at(node.path);
  }
  keyOf(node: Node): Key | undefined {
    const field = this.field(node);
    if (field === undefined) return undefined;
    const seat = this.seats.around(node);
    return field.repeat !== undefined && seat === undefined ? undefined : keyOf(field, seat?.row);
  }
  /** The answer to a question. */
  of(node: Node): Answer {
    return this.answer(this.keyOf(node) ?? node.path);
  }

  /** What the person sees as the answer: given, or what the form begins with. */
  shown(node: Node): Value | undefined {
    const { value } = this.of(node);
    if (value !== undefined) return value;
    const { text } = node;
    const read = text === "" ? undefined : readAnswer(this.field(node)?.type ?? "text", text);
    return read !== undefined && "value" in read ? read.value : undefined;
  }

  /** The person answered with a text, as typed. */
  type(node: Node, text: string): void {
    const field = this.field(node);
    if (field === undefined || this.over) return;
    const answer = this.of(node);
    const read = readAnswer(field.type, text);
    answer.refused = undefined;
    if ("problem" in read) {
      answer.problem = read.problem;
      answer.typed = text;
      return;
    }
    this.set(node, read.value);
  }

  /** What was typed is no answer, for a reason that the control knows. */
  misfit(node: Node, text: string, problem: Problem): void {
    const answer = this.of(node);
    answer.problem = problem;
    answer.typed = text;
  }

  /** The person answered, or took one of several answers. */
  set(node: Node, value: Value): void {
    const answer = this.of(node);
    if (this.over) return;
    answer.problem = undefined;
    answer.typed = undefined;
    answer.refused = undefined;
    const before = answer.value;
    if (!this.exists && this.given.consent.refuses(answer.key, value)) {
      answer.value = value;
      this.refusal.value = { node, before };
      return;
    }
    // What the form began with is an answer once it is changed or cleared.
    const begun = before === undefined && unwatched(() => node.text !== "");
    node.put(instanceText(value));
    this.change(answer.key, value, begun);
    this.formChanged(true);
  }

  /** The refusal was confirmed: everything is dropped, or it was a slip. */
  decideRefusal(confirmed: boolean): void {
    const asked = this.refusal.value;
    this.refusal.value = undefined;
    if (asked === undefined) return;
    if (!confirmed) {
      this.of(asked.node).value = asked.before;
      return;
    }
    this.cancel?.();
    this.dirty.clear();
    for (const answer of this.answers.values()) {
      answer.value = undefined;
      answer.typed = undefined;
    }
    this.kept.value = "dropped";
    this.given.refused();
  }

  private get over(): boolean {
    return unwatched(() => this.kept.value === "dropped");
  }

  private change(key: Key, value: Value, always = false): void {
    const answer = this.answer(key);
    const [first, second] = answer.lives;
    const isConflict = second !== undefined;
    if (!always && !isConflict && !this.dirty.has(key) && !this.flying.has(key)) {
      if (sameValue(first?.value, value) || (isCleared(value) && isCleared(first?.value))) return;
    }
    answer.value = value;
    answer.settled = isConflict && answer.seen;
    const back = !always && !isConflict && !this.flying.has(key) && (sameValue(first?.value, value) || (first === undefined && isCleared(value)));
    if (back) this.dirty.delete(key);
    else this.dirty.set(key, value);
    this.tell();
    this.schedule();
  }

  /** Seats rows that came, fills those that came back, and takes over what the form set by itself because of an answer. */
  formChanged(byPerson = false): void {
    for (const { node, known } of this.seats.update()) if (known) this.refill(node);
    if (!byPerson || this.given.xform.setByForm.size === 0) return;
    for (const node of this.given.form.all()) {
      if (!this.given.xform.setByForm.has(node.path) || node.kind === "row" || node.kind === "repeat") continue;
      const [relevant, text] = unwatched(() => [node.relevant, node.text]);
      const field = this.field(node);
      const key = this.keyOf(node);
      if (!relevant || text === "" || field === undefined || key === undefined) continue;
      const read = readAnswer(field.type, text);
      if ("value" in read && instanceText(this.answer(key).value) !== text) this.change(key, read.value);
    }
  }

  private refill(row: Node): void {
    unwatched(() => {
      for (const node of this.given.form.all(row)) {
        const key = this.keyOf(node);
        const value = key === undefined ? undefined : this.answers.get(key)?.value;
        if (value !== undefined && instanceText(value) !== node.text) node.put(instanceText(value));
      }
    });
  }

  /** Files cannot be opened from an instance: each is named to the form. */
  private putFiles(): void {
    unwatched(() => {
      for (const node of this.given.form.all()) {
        if (node.kind === "upload") node.put(instanceText(this.of(node).value));
      }
    });
  }

  /** A new row behind the others. */
  addRow(repeat: Node): Node | undefined {
    const before = new Set(unwatched(() => repeat.children).map((n) => n.id));
    repeat.addRow();
    this.formChanged(true);
    const row = unwatched(() => repeat.children).find((n) => !before.has(n.id));
    const seat = row && this.seats.around(row);
    if (seat) {
      this.dirty.set(rowKey(seat.group, seat.row), placeOf(seat));
      this.tell();
      this.schedule();
    }
    return row;
  }

  removeRow(repeat: Node, row: Node): void {
    const inner = unwatched(() => [...this.given.form.all(row)]).filter((n) => n.kind === "row");
    for (const node of inner) {
      const seat = this.seats.remove(node);
      if (seat === undefined) continue;
      for (const key of [...this.dirty.keys()]) if (key.startsWith(`g${seat.group}.${seat.row}.`)) this.dirty.delete(key);
      // Rows inside go with the one around them.
      if (node === row && (seat.stored || this.flying.has(rowKey(seat.group, seat.row)))) {
        this.dirty.set(rowKey(seat.group, seat.row), { deleted: true });
      }
    }
    repeat.removeRow(row);
    this.tell();
    this.schedule();
  }

  /** All live values of this answer are on the screen. */
  saw(answer: Answer): void {
    answer.seen = true;
  }

  /** Changes that are not saved. */
  pending(): ReadonlyMap<Key, Value> {
    return new Map([...this.flying, ...this.dirty]);
  }

  private schedule(): void {
    this.cancel?.();
    this.cancel = this.given.after(REST_MS, () => void this.flush());
  }

  private tell(): void {
    if (this.kept.value === "dropped") return;
    if (this.dirty.size === 0) {
      if (this.kept.value === "pending" || this.kept.value === "waiting") this.kept.value = this.exists ? "saved" : "clean";
    } else {
      this.kept.value = this.mayStore() ? "pending" : "waiting";
    }
  }

  /** Whether consent to store lives in what the person sees; of several answers each must be consent. */
  mayStore(): boolean {
    return unwatched(() =>
      this.given.consent.lives((key) => {
        const answer = this.answers.get(key);
        if (answer === undefined) return undefined;
        const settled = this.dirty.has(key) || this.flying.has(key);
        const other = settled ? undefined : answer.lives.find((l) => !sameValue(l.value, answer.value));
        return other && !this.given.consent.lives(() => other.value) ? other.value : answer.value;
      }),
    );
  }

  /** Saves what is pending. Done when it is durable, or cannot be; then it stays pending. */
  flush(finish = false): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    this.queue = this.queue.then(() => this.save(finish));
    return this.queue;
  }

  private async save(finish: boolean): Promise<void> {
    if (this.over || (this.dirty.size === 0 && !finish)) return;
    const free = unwatched(() => this.mayStore());
    if (!free && !this.exists) return;
    if (free) for (const [key, value] of takeSnapshot(this, finish)) this.dirty.set(key, value);
    // A record whose consent was taken back still takes what is said about consent.
    const may = (key: Key) => free || this.given.consent.asks(key);
    const writes = [...this.dirty].filter(([key]) => may(key) && !this.unseen(key)).slice(0, WRITES_MAX);
    if (writes.length === 0) return;
    this.flying = new Map(writes);
    for (const [key] of writes) this.dirty.delete(key);
    this.kept.value = "saving";
    const shown = writes.map(([key]) => key).filter((key) => this.answer(key).lives.length > 1);
    try {
      await this.given.save(this.withRows(writes), shown);
      this.saved();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Ends the interview. True once it is durable. */
  async finish(): Promise<boolean> {
    this.answer("m.status").refused = undefined;
    this.dirty.set("m.status", { code: "complete" });
    await this.flush(true);
    while (this.dirty.size > 0 && unwatched(() => this.kept.value === "pending") && this.cancel !== undefined) await this.flush();
    return unwatched(() => this.kept.value === "saved" && this.answer("m.status").refused === undefined);
  }

  /** Nothing is saved later than now. */
  close(): void {
    this.cancel?.();
  }

  /** How many answers another session on the same record shows otherwise. */
  differences(other: Session): number {
    return [...other.answers.values()].filter((a) => !sameValue(a.value, this.answers.get(a.key)?.value) || a.lives.length !== this.answers.get(a.key)?.lives.length).length;
  }

  private unseen(key: Key): boolean {
    const answer = this.answers.get(key);
    return answer !== undefined && answer.lives.length > 1 && !answer.seen;
  }

  /** Before answers in a row comes the row. */
  private withRows(writes: [Key, Value][]): [Key, Value][] {
    const rows = new Map<Key, Value>();
    for (const [key] of writes) {
      const row = /^g\d+\.([0-9a-f]{16})\./.exec(key)?.[1];
      const seat = row === undefined ? undefined : this.seats.byRow(row);
      if (seat === undefined) continue;
      for (const around of this.seats.chain(seat)) {
        const rowAt = rowKey(around.group, around.row);
        if (!around.stored && !writes.some(([k]) => k === rowAt)) rows.set(rowAt, placeOf(around));
      }
    }
    for (const [key, value] of rows) this.flying.set(key, value);
    return [...rows, ...writes];
  }

  private saved(): void {
    this.exists = true;
    for (const [key, value] of this.flying) {
      const answer = this.answer(key);
      const mine: Live = { value, dot: "", actor: 0, by: "", at: this.given.now().getTime(), mine: true };
      answer.lives = [mine];
      answer.settled = false;
      const row = /^g\d+\.([0-9a-f]{16})\.row$/.exec(key)?.[1];
      const seat = row === undefined ? undefined : this.seats.byRow(row);
      if (seat) seat.stored = !("deleted" in value);
    }
    this.flying = new Map();
    this.kept.value = this.dirty.size === 0 ? "saved" : this.mayStore() ? "pending" : "waiting";
    if (this.dirty.size > 0 && this.cancel === undefined) this.schedule();
  }

  /** What the core will not take from this person goes back to what stood; everything else stays pending and is tried again. */
  private failed(error: unknown): void {
    const { code } = error as { code?: string };
    const key = blamedWrite(this, this.flying, (error as { key?: Key }).key);
    for (const [k, value] of this.flying) if (!this.dirty.has(k)) this.dirty.set(k, value);
    this.flying = new Map();
    if (code !== undefined && key !== undefined && this.dirty.has(key)) {
      this.dirty.delete(key);
      if (rowStandsAgain(this, key)) this.notice.value = code;
      else {
        const answer = this.answer(key);
        answer.refused = code;
        answer.settled = false;
        answer.value = answer.lives[0]?.value;
        this.nodeAt(key)?.put(instanceText(answer.value));
      }
      this.kept.value = "pending";
      if (this.dirty.size > 0) this.schedule();
      else this.kept.value = this.exists ? "saved" : "clean";
      return;
    }
    this.kept.value = "failed";
    this.cancel ??= this.given.after(AGAIN_MS, () => void this.flush());
  }

  nodeAt(key: Key): Node | undefined {
    return unwatched(() => {
      for (const node of this.given.form.all()) if (node.kind !== "row" && this.keyOf(node) === key) return node;
      return undefined;
    });
  }

  /** All questions with several answers, hidden ones too. */
  conflicts(): Answer[] {
    return [...this.answers.values()].filter((a) => a.lives.length > 1 && !this.dirty.has(a.key));
  }
}
