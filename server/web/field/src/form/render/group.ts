// Groups and repeats inside a page.
//
// Not here: which groups are pages (pages.ts).

import type { Node } from "../engine";
import { apart, atEnd, cell, unwatched, watch } from "../watch";
import type { Context } from "./context";
import { h, newId, refill, show } from "./dom";
import { question } from "./question";
import { spoken } from "./spoken";
import { words } from "./wording";

/** Whether something of a node is to be seen. */
export function visible(node: Node): boolean {
  if (!node.relevant || node.kind === "value") return false;
  if (node.kind === "group" || node.kind === "row") return node.children.some(visible);
  if (node.kind === "repeat") return !node.counted || node.children.some(visible);
  return true;
}

export function item(node: Node, context: Context): HTMLElement {
  switch (node.kind) {
    case "group":
      return group(node, context);
    case "repeat":
      return repeat(node, context);
    default:
      return question(node, context);
  }
}

/** The questions of a group that are drawn at all. */
export function drawn(node: Node): Node[] {
  return node.children.filter((c) => c.kind !== "value");
}

function group(node: Node, context: Context): HTMLElement {
  const legend = h("legend", {});
  const box = h("fieldset", { class: "group" }, legend, unwatched(() => drawn(node)).map((inner) => item(inner, context)));
  watch(() => show(box, visible(node)));
  watch(() => {
    const { label } = node;
    show(legend, label !== undefined && label.plain !== "");
    refill(legend, label && words(label));
  });
  return box;
}

/** What a row is called: the repeat's label, its number, and its first answer. */
function rowName(repeat: Node, row: Node, context: Context): string {
  const number = repeat.children.findIndex((r) => r.id === row.id) + 1;
  const label = repeat.label?.plain || context.say("group_fallback");
  const name = context.say("row_name", { label, number });
  const first = drawn(row).find((n) => n.relevant && ["input", "select"].includes(n.kind) && n.text !== "");
  return first ? `${name}: ${spoken(context.session.of(first).value, first, context)}` : name;
}

function repeat(node: Node, context: Context): HTMLElement {
  const { session } = context;
  const list = h("div", { class: "rows" });
  const none = h("p", { class: "note" }, context.say("rows_none"));
  const add = h("button", { type: "button", class: "add" });
  const rows = new Map<string, { element: HTMLElement; open: { value: boolean }; end: () => void }>();
  atEnd(() => {
    for (const row of rows.values()) row.end();
  });
  const name = newId("rows");
  const box = h("section", { class: "repeat", "aria-labelledby": name }, h("h3", { id: name }), none, list, add);
  add.addEventListener("click", () => {
    const row = session.addRow(node);
    if (row === undefined) return;
    context.announce(context.say("row_added", { row: unwatched(() => rowName(node, row, context)) }));
    for (const [id, other] of rows) if (id !== row.id) other.open.value = false;
    queueMicrotask(() => rows.get(row.id)?.element.querySelector("summary")?.focus());
  });
  const removed = (row: Node, called: string) => {
    session.removeRow(node, row);
    context.announce(context.say("row_removed", { row: called }));
    add.focus();
  };
  watch(() => {
    const children = node.children;
    show(none, children.length === 0);
    for (const [id, gone] of rows) {
      if (children.some((c) => c.id === id)) continue;
      gone.end();
      gone.element.remove();
      rows.delete(id);
    }
    children.forEach((row, index) => {
      let known = rows.get(row.id);
      if (known === undefined) rows.set(row.id, (known = card(node, row, context, index === children.length - 1, removed)));
      if (list.children[index] !== known.element) list.insertBefore(known.element, list.children[index] ?? null);
    });
  });
  watch(() => {
    const label = node.label?.plain || context.say("group_fallback");
    refill(box.querySelector("h3") ?? box, label);
    add.textContent = `+ ${context.say("row_add", { label })}`;
    show(add, !node.counted && !node.readonly);
    show(box, visible(node));
  });
  return box;
}

/** One row, folded or open; its questions are drawn when it is opened for the first time. */
function card(repeat: Node, row: Node, context: Context, startsOpen: boolean, removed: (row: Node, called: string) => void): { element: HTMLElement; open: { value: boolean }; end: () => void } {
  const open = cell(startsOpen);
  const summary = h("summary", {});
  const body = h("div", { class: "body" });
  const element = h("details", { class: "row-card" }, summary, body);
  element.addEventListener("toggle", () => (open.value = element.open));
  const ends: (() => void)[] = [];
  // A row lives as long as it stands, longer than the run that found it.
  ends.push(apart(() => {
    watch(() => {
      // The run that takes a removed row off the screen may come after this one.
      if (!repeat.children.some((r) => r.id === row.id)) return;
      summary.textContent = rowName(repeat, row, context);
      show(element, row.relevant);
    });
    watch(() => {
      element.open = open.value;
      if (!open.value || ends.length > 1) return;
      ends.push(apart(() => refill(body, context.session.seats.around(row)?.contested ? h("p", { class: "flag" }, context.say("row_contested")) : undefined, drawn(row).map((inner) => item(inner, context)), repeat.counted || repeat.readonly ? undefined : removeButton(repeat, row, context, removed))));
    });
  }));
  const end = () => {
    for (const one of ends) one();
  };
  return { element, open, end };
}

function removeButton(repeat: Node, row: Node, context: Context, removed: (row: Node, called: string) => void): HTMLElement {
  const box = h("div", { class: "remove" });
  const ask = () => {
    const called = unwatched(() => rowName(repeat, row, context));
    const yes = h("button", { type: "button", class: "danger" }, context.say("row_remove_yes"));
    const no = h("button", { type: "button" }, context.say("row_remove_no"));
    yes.addEventListener("click", () => removed(row, called));
    no.addEventListener("click", () => {
      rest();
      box.querySelector("button")?.focus();
    });
    refill(box, h("p", { role: "alert" }, context.say("row_remove_sure", { row: called })), h("div", { class: "row" }, no, yes));
    no.focus();
  };
  const rest = () => {
    const button = h("button", { type: "button", class: "quiet" }, context.say("row_remove", { row: unwatched(() => rowName(repeat, row, context)) }));
    button.addEventListener("click", ask);
    refill(box, button);
  };
  rest();
  return box;
}
