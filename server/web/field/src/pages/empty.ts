/**
 * Emptying the phone: what keeps it from being emptied stands there by name; going on with what is stored and not copied is a
 * choice of its own, with its danger said (record-and-sync §5.4).
 */
import type { Obstacle } from "../core/types.ts";
import type { Desk } from "../desk/desk.ts";
import { atEnd, h, live } from "../ui/dom.ts";
import { button, confirmation, note, trouble } from "../ui/parts.ts";
import { effect, signal } from "../ui/signal.ts";
import { say, type TextKey, type Trouble } from "../words/index.ts";
import { type App, attempt, type Page } from "./app.ts";

type Confirm = "copied" | "stored";

export function emptyPage(app: App, desk: Desk): Page {
  const obstacles = signal<Record<Confirm, Obstacle[]> | undefined>(undefined);
  const asked = signal<Confirm | undefined>(undefined);
  const gone = signal<number | undefined>(undefined);
  const wrong = signal<Trouble | undefined>(undefined);
  const look = () => attempt(async () => {
    obstacles.value = { copied: await desk.records.obstacles("copied"), stored: await desk.records.obstacles("stored") };
  }, (trouble) => (wrong.value = trouble));
  atEnd(effect(() => {
    void desk.summary.value;
    void look();
  }));
  const empty = (confirm: Confirm) => attempt(async () => {
    asked.value = undefined;
    gone.value = await desk.records.empty(confirm);
    void desk.syncNow();
  }, (trouble) => (wrong.value = trouble));
  const sure = (confirm: Confirm) => confirmation(say("empty_sure"), say("empty_go"), say("cancel"), () => void empty(confirm), () => (asked.value = undefined));
  const content = () => {
    const found = obstacles.value;
    if (gone.value !== undefined) {
      return [note(h("p", null, say("empty_done", { n: gone.value }))), h("div", { class: "buttons" }, button(say("list_title"), () => app.replace({ page: "list" }), "main"))];
    }
    if (!found) return null;
    if (asked.value) return sure(asked.value);
    if (found.copied.length === 0) return [h("p", null, say("empty_ready")), h("div", { class: "buttons" }, button(say("empty_go"), () => (asked.value = "copied"), "danger"))];
    return [
      h("p", null, say("empty_keeps")),
      h("ul", { class: "obstacles" }, named(found.copied).map((text) => h("li", null, text))),
      h("div", { class: "buttons" }, button(say("sync_now"), () => void desk.syncNow(), "main")),
      found.stored.length > 0 ? null : [
        h("h2", null, say("empty_stored_choice")), h("p", null, say("empty_stored_meaning")),
        h("div", { class: "buttons" }, button(say("empty_stored_choice"), () => (asked.value = "stored"), "danger")),
      ],
    ];
  };
  return { title: say("empty_title"), content: [h("p", null, say("empty_intro")), live(() => trouble(wrong.value)), live(content)] };
}

const KINDS: readonly [Obstacle["kind"], TextKey][] = [
  ["unsent", "empty_unsent"], ["not_copied", "empty_not_copied"], ["with_coordinator", "empty_coordinator"], ["form_open", "empty_form_open"], ["unsettled", "empty_unsettled"],
];

function named(obstacles: readonly Obstacle[]): string[] {
  return KINDS.flatMap(([kind, text]) => {
    const n = obstacles.filter((one) => one.kind === kind).length;
    return n === 0 ? [] : [say(text, { n })];
  });
}
