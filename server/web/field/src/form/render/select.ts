// Choosing one or several: buttons to tap, a short menu, or a list to search where there are many.
//
// Not here: ranking (rank.ts).

import { sortedCodes } from "../answers";
import type { Choice, Node } from "../engine";
import { cell, unwatched, watch } from "../watch";
import type { Context, Draw, Ties } from "./context";
import { h, newId, refill, show } from "./dom";
import { media, words } from "./wording";

/** From here on a list is searched. */
const LONG = 25;
/** How many are drawn of a list to search. */
const DRAWN = 20;

export const drawSelect: Draw = (node, context, ties) => {
  const box = h("div", { class: "select" });
  // The list itself is drawn again only when the form offers something else.
  watch(() => {
    const choices = node.choices;
    const look = node.appearance;
    const searched = look.has("autocomplete") || look.has("search") || choices.length > LONG;
    const menu = look.has("minimal") && !node.many && !searched;
    refill(box, searched ? searchList(node, choices, context, ties) : menu ? menuOf(node, choices, context, ties) : buttons(node, choices, context, ties));
  });
  return box;
};

/** What is chosen: as it was answered, as far as the form offers it. */
function chosen(node: Node, context: Context): readonly string[] {
  const value = context.session.shown(node);
  if (value === undefined) return [];
  const codes = "code" in value ? [value.code] : "codes" in value ? value.codes : [];
  const offered = new Set(node.codes);
  return codes.filter((c) => offered.has(c));
}

function choose(node: Node, codes: readonly string[], context: Context): void {
  const [first] = codes;
  if (first === undefined) context.session.set(node, { null: true });
  else context.session.set(node, node.many ? { codes: sortedCodes(codes) } : { code: first });
  context.touch(node);
}

function toggle(node: Node, code: string, on: boolean, context: Context): void {
  if (!node.many) return choose(node, [code], context);
  const now = unwatched(() => chosen(node, context));
  choose(node, on ? [...now, code] : now.filter((c) => c !== code), context);
}

function option(node: Node, choice: Choice, name: string, context: Context, ties: Ties): HTMLElement {
  const id = newId("choice");
  const input = h("input", { type: node.many ? "checkbox" : "radio", name, id, value: choice.code });
  input.addEventListener("change", () => toggle(node, choice.code, input.checked, context));
  watch(() => {
    input.checked = chosen(node, context).includes(choice.code);
    input.disabled = node.readonly;
  });
  if (ties.described !== "") input.setAttribute("aria-describedby", ties.described);
  return h("div", { class: "choice" }, input, h("label", { for: id }, words(choice.label)), media(choice.label, context));
}

function buttons(node: Node, choices: readonly Choice[], context: Context, ties: Ties): HTMLElement {
  const look = node.appearance;
  const side = look.has("likert") ? "likert" : [...look].some((a) => /^(horizontal|columns)/.test(a)) ? "columns" : "";
  const name = newId("of");
  const list = h("div", { class: `choices ${side}` }, choices.map((choice) => option(node, choice, name, context, ties)));
  return h("div", {}, list, clearButton(node, context));
}

/** A radio button cannot be taken back without it. */
function clearButton(node: Node, context: Context): HTMLElement {
  const button = h("button", { type: "button", class: "quiet" }, context.say("clear"));
  button.addEventListener("click", () => choose(node, [], context));
  watch(() => show(button, !node.many && !node.readonly && chosen(node, context).length > 0));
  return button;
}

function menuOf(node: Node, choices: readonly Choice[], context: Context, ties: Ties): HTMLElement {
  const menu = h("select", { id: ties.control, "aria-labelledby": ties.label, "aria-describedby": ties.described });
  refill(menu, h("option", { value: "" }, context.say("choose")), choices.map((c) => h("option", { value: c.code }, c.label.plain)));
  menu.addEventListener("change", () => choose(node, menu.value === "" ? [] : [menu.value], context));
  watch(() => {
    menu.value = chosen(node, context)[0] ?? "";
    menu.disabled = node.readonly;
  });
  return menu;
}

/** The same letters in one spelling, without case. */
function fold(text: string): string {
  return text.normalize("NFC").toLocaleLowerCase();
}

function searchList(node: Node, choices: readonly Choice[], context: Context, ties: Ties): HTMLElement {
  const sought = cell("");
  const open = cell(unwatched(() => node.many || chosen(node, context).length === 0));
  const list = h("div", { class: "choices" });
  const count = h("p", { class: "note", role: "status" });
  const search = h("input", { type: "search", id: ties.control, autocomplete: "off", placeholder: context.say("search"), "aria-label": context.say("search"), "aria-describedby": ties.described });
  search.addEventListener("input", () => (sought.value = search.value));
  const name = newId("of");
  const folded = choices.map((choice) => ({ choice, text: fold(`${choice.label.plain} ${choice.code}`) }));
  watch(() => {
    const words = fold(sought.value).split(/\s+/).filter((w) => w !== "");
    const found = folded.filter((f) => words.every((w) => f.text.includes(w)));
    refill(list, found.slice(0, DRAWN).map((f) => option(node, f.choice, name, context, ties)));
    const more = found.length - DRAWN;
    count.textContent = found.length === 0 ? context.say("search_none") : more > 0 ? context.say("search_more", { count: more }) : "";
  });
  const picker = h("div", { class: "picker" }, search, count, list);
  const change = h("button", { type: "button", class: "quiet" }, context.say("change"));
  change.addEventListener("click", () => {
    open.value = true;
    search.focus();
  });
  watch(() => {
    // One answer closes the list: a long page is hard to read.
    if (!node.many && chosen(node, context).length > 0 && unwatched(() => document.activeElement !== search)) open.value = false;
    if (!node.many && chosen(node, context).length === 0) open.value = true;
  });
  watch(() => {
    show(picker, open.value && !node.readonly);
    show(change, !open.value && !node.readonly);
  });
  return h("div", {}, chips(node, choices, context), h("div", { class: "row" }, change, clearButton(node, context)), picker);
}

/** What is chosen of a long list, always in sight. */
function chips(node: Node, choices: readonly Choice[], context: Context): HTMLElement {
  const box = h("ul", { class: "chips" });
  watch(() => {
    const labels = chosen(node, context).map((code) => ({ code, label: choices.find((c) => c.code === code)?.label.plain || code }));
    show(box, labels.length > 0);
    refill(box, labels.map(({ code, label }) => {
      const remove = h("button", { type: "button", "aria-label": context.say("remove_choice", { what: label }) }, "×");
      remove.addEventListener("click", () => toggle(node, code, false, context));
      return h("li", {}, h("span", {}, label), node.many && !node.readonly ? remove : undefined);
    }));
  });
  return box;
}
