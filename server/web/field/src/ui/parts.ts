/**
 * Parts that several pages have: buttons, labelled fields, notes, troubles.
 * Not here: whole pages (pages/), texts (words/).
 */
import { say, type TextKey, type Trouble } from "../words/index.ts";
import { type Child, h } from "./dom.ts";

export function button(text: string, press: () => void, kind: "main" | "plain" | "danger" | "link" = "plain"): HTMLButtonElement {
  return h("button", { type: "button", class: kind, on: { click: () => press() } }, text);
}

let last = 0;

/** A field under its label, and a hint that screen readers read with it. */
export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
  const id = `field-${(last += 1)}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null, control);
}

/** One of several, as large buttons. */
export function choice<T extends string>(legend: string, options: readonly { value: T; text: string; hint?: string }[], chosen: T, pick: (value: T) => void): HTMLElement {
  const name = `choice-${(last += 1)}`;
  return h("fieldset", null, h("legend", null, legend), options.map((option) =>
    h("label", { class: "choice" },
      h("input", { type: "radio", name, value: option.value, checked: option.value === chosen, on: { change: () => pick(option.value) } }),
      h("span", null, option.text, option.hint ? h("small", { class: "hint" }, option.hint) : null))));
}

/** Said aloud by screen readers when it comes. */
export function note(...content: Child[]): HTMLElement {
  return h("div", { class: "note", role: "status" }, ...content);
}

/** What happened, what it means, what to do next. */
export function trouble(found: Trouble | undefined): HTMLElement | null {
  if (!found) return null;
  return h("div", { class: "trouble", role: "alert" }, h("p", null, say(found.key, found.with)));
}

export function paragraphs(...keys: TextKey[]): HTMLElement[] {
  return keys.map((key) => h("p", null, say(key)));
}

/** Everything that is asked a second time is asked in the page: no box of the browser, which some phones suppress. */
export function confirmation(question: string, yes: string, no: string, done: () => void, never: () => void): HTMLElement {
  return h("div", { class: "confirm", role: "group", "aria-label": question }, h("p", null, question),
    h("div", { class: "buttons" }, button(yes, done, "danger"), button(no, never)));
}
