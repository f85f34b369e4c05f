/**
 * Settings of this profile and of the app: language, locking, the secret, removing the profile, a new version.
 */
import type { Desk } from "../desk/desk.ts";
import { h, live } from "../ui/dom.ts";
import { button, confirmation, field, note, trouble } from "../ui/parts.ts";
import { signal } from "../ui/signal.ts";
import { isReviewed, language, say, span, type TextKey, type Trouble } from "../words/index.ts";
import { type App, attempt, languageChoice, type Page } from "./app.ts";
import { secretInput } from "./secret.ts";

const IDLE = [1, 2, 5, 10] as const;
const HIDDEN = [5, 15, 60, 300] as const;

export function settingsPage(app: App, desk: Desk): Page {
  const { account } = desk.me.peek();
  const pick = (label: TextKey, values: readonly number[], unit: number, now: number, set: (value: number) => void) =>
    field(say(label), h("select", { on: { change: (event) => set(Number((event.target as HTMLSelectElement).value)) } },
      values.map((n) => h("option", { value: String(n), ...(n === now ? { selected: true } : {}) }, span(n * unit)))));
  return {
    title: say("settings_title"),
    content: [
      live(() => (app.updates.ready.value ? note(h("p", null, say("settings_update")), button(say("settings_update_go"), () => app.updates.use())) : null)),
      h("div", { class: "field" }, h("p", null, say("language")), languageChoice(), isReviewed(language.peek()) ? null : h("p", { class: "hint" }, say("settings_review"))),
      live(() => {
        const now = desk.settings.value;
        return [
          pick("settings_lock", IDLE, 60_000, now.idle, (idle) => void desk.change({ idle })),
          pick("settings_hidden", HIDDEN, 1000, now.hidden, (hidden) => void desk.change({ hidden })),
        ];
      }),
      changing(desk),
      h("h2", null, say("settings_profile")),
      h("p", null, say("settings_me", { name: account.userName, organisation: account.organisationName })),
      h("p", null, account.server),
      live(() => h("p", null, say("settings_refusals", { n: desk.settings.value.refusals }))),
      removing(app, desk),
    ],
  };
}

function changing(desk: Desk): HTMLElement {
  const wrong = signal<Trouble | undefined>(undefined);
  const said = signal<TextKey | undefined>(undefined);
  const [before, after, again] = [secretInput("current-password"), secretInput(), secretInput()];
  for (const input of [before, after, again]) input.inputMode = "text";
  const change = () => {
    said.value = after.value === again.value ? undefined : "enrol_differ";
    if (said.value) return;
    void attempt(async () => {
      await desk.changeSecret(before.value, after.value);
      before.value = after.value = again.value = "";
      said.value = "settings_changed";
    }, (trouble) => (wrong.value = trouble));
  };
  return h("details", null, h("summary", null, say("settings_change")),
    field(say("settings_before"), before), field(say("settings_after"), after), field(say("enrol_again"), again),
    live(() => trouble(wrong.value)), live(() => (said.value ? note(h("p", null, say(said.value))) : null)),
    h("div", { class: "buttons" }, button(say("settings_change"), change, "main")));
}

function removing(app: App, desk: Desk): HTMLElement {
  const wrong = signal<Trouble | undefined>(undefined);
  const asked = signal(false);
  const remove = () => attempt(async () => {
    const { profile } = desk;
    await desk.lock();
    await app.door.remove(profile);
    app.again();
  }, (trouble) => (wrong.value = trouble));
  return h("details", null, h("summary", null, say("settings_remove")),
    h("p", null, say("settings_remove_text")),
    live(() => {
      const { unsent } = desk.summary.value;
      return unsent > 0 ? h("p", { class: "trouble" }, say("settings_remove_unsent", { n: unsent })) : null;
    }),
    live(() => trouble(wrong.value)),
    live(() => (asked.value
      ? confirmation(say("settings_remove_sure"), say("settings_remove_go"), say("cancel"), () => void remove(), () => (asked.value = false))
      : h("div", { class: "buttons" }, button(say("settings_remove"), () => (asked.value = true), "danger")))));
}
