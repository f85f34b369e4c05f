/**
 * The day's work: interviews of one's own and those assigned, what state each is in and where it is.
 * Not here: searching itself (find.ts).
 */
import type { FormVersion, ListItem } from "../core/types.ts";
import type { Desk } from "../desk/desk.ts";
import { type Child, h, live } from "../ui/dom.ts";
import { button, field, note, trouble } from "../ui/parts.ts";
import { signal } from "../ui/signal.ts";
import { troubleOf } from "../desk/troubles.ts";
import { moment, say, type TextKey, type Trouble } from "../words/index.ts";
import { type App, type Page } from "./app.ts";
import { finds, remembering } from "./find.ts";

const FILTERS: readonly { name: string; text: TextKey; fits: (item: ListItem) => boolean }[] = [
  { name: "all", text: "list_all", fits: () => true },
  { name: "drafts", text: "list_drafts", fits: (item) => item.status === "draft" || item.status === "" },
  { name: "finished", text: "list_finished", fits: (item) => ["complete", "approved"].includes(item.status) },
  { name: "returned", text: "list_returned", fits: (item) => ["returned", "rejected"].includes(item.status) },
  { name: "conflicts", text: "list_conflicts", fits: (item) => item.conflict },
];
const PAGE = 50;

export function listPage(app: App, desk: Desk): Page {
  const text = signal(app.search.text);
  const filter = signal(app.search.filter);
  const shown = signal(app.search.shown);
  const forms = signal<FormVersion[]>([]);
  const wrong = signal<Trouble | undefined>(undefined);
  const fetchForms = () => desk.records.forms().then((all) => (forms.value = all.filter((form) => form.newest)), (error: unknown) => (wrong.value = troubleOf(error)));
  void fetchForms();
  let typing: ReturnType<typeof setTimeout> | undefined;
  const search = h("input", { type: "search", value: app.search.text, autocomplete: "off", on: { input: () => {
    clearTimeout(typing);
    typing = setTimeout(() => { text.value = app.search.text = search.value; shown.value = PAGE; }, 100);
  } } });
  const fold = remembering();
  const found = (titles: Map<string, string>) => {
    const fits = FILTERS.find((one) => one.name === filter.value)?.fits ?? (() => true);
    const all = desk.items.value.filter((item) => !item.deleted && fits(item) && finds(text.value, [...item.words, titles.get(item.formId) ?? ""], fold));
    return all.sort((a, b) => b.changed - a.changed);
  };
  const chips = () => FILTERS.map((one) => h("button", { type: "button", class: "chip", "aria-pressed": String(filter.value === one.name), on: { click: () => {
    filter.value = app.search.filter = one.name;
    shown.value = PAGE;
  } } }, say(one.text)));
  return {
    title: say("list_title"),
    content: [
      live(() => newRecord(app, forms.value)),
      live(() => trouble(wrong.value ?? (desk.me.value.revoked ? { key: "trouble_revoked" } : undefined))),
      live(() => (app.updates.ready.value ? note(h("p", null, say("settings_update")), button(say("settings_update_go"), () => app.updates.use())) : null)),
      field(say("list_search"), search),
      live(() => h("div", { class: "chips" }, chips())),
      live(() => {
        const titles = new Map(forms.value.map((form) => [form.formId, form.title]));
        const items = found(titles);
        app.search.shown = shown.value;
        if (items.length === 0) return h("p", { class: "quiet" }, say(desk.items.value.length === 0 ? "list_none" : "list_none_found"));
        return [
          h("ul", { class: "records" }, items.slice(0, shown.value).map((item) => line(app, desk, item, titles.get(item.formId) ?? ""))),
          items.length > shown.value ? button(say("list_more"), () => (shown.value += PAGE)) : null,
        ];
      }),
    ],
  };
}

/** One button, or one for each form. */
function newRecord(app: App, forms: readonly FormVersion[]): Child {
  const go = (form: FormVersion) => app.go({ page: "record", form: form.hash });
  const [only, second] = forms;
  if (!only) return h("p", { class: "quiet" }, say("list_no_forms"));
  if (!second) return h("div", { class: "buttons" }, button(say("list_new"), () => go(only), "main"));
  return h("details", { class: "new" }, h("summary", null, say("list_new")), h("p", null, say("list_choose_form")),
    h("div", { class: "buttons column" }, forms.map((form) => button(form.title, () => go(form)))));
}

function line(app: App, desk: Desk, item: ListItem, form: string): HTMLElement {
  const words = item.words.slice(0, 3).join(" · ");
  const status = `status_${item.status === "" ? "draft" : item.status}` as TextKey;
  const assigned = item.assignee === `user:${desk.me.peek().user}` && !item.mine;
  return h("li", null, h("button", { type: "button", class: "record", on: { click: () => app.go({ page: "record", record: item.record }) } },
    h("span", { class: "words", dir: "auto" }, words || say("list_no_words")),
    h("span", { class: "quiet" }, [form, item.changed > 0 ? moment(item.changed) : ""].filter(Boolean).join(", ")),
    h("span", { class: "marks" },
      h("span", { class: `mark ${item.status}` }, say(status)),
      item.conflict ? h("span", { class: "mark conflict" }, say("mark_conflict")) : null,
      assigned ? h("span", { class: "mark" }, say("mark_assigned")) : null,
      item.whereabouts === "none" ? null : h("span", { class: `mark ${item.whereabouts}` }, say(whereKey(item.whereabouts))))));
}

function whereKey(where: "here" | "sent" | "copied" | "coordinator"): TextKey {
  return `where_${where}`;
}
