/**
 * Setting up a phone: from the link that was scanned or pasted to a profile with its forms, ready without a network.
 * Not here: keys and requests (desk/door.ts).
 */
import type { EnrolStep } from "../desk/desk.ts";
import { type EnrolLink, readLink } from "../desk/link.ts";
import { h, live } from "../ui/dom.ts";
import { button, choice, field, note, paragraphs, trouble } from "../ui/parts.ts";
import { signal } from "../ui/signal.ts";
import { troubleOf } from "../desk/troubles.ts";
import { say, type Trouble } from "../words/index.ts";
import { type App, type Page } from "./app.ts";
import { chooseSecret } from "./secret.ts";

type Stage = EnrolStep | "asking";

export function enrolPage(app: App, first: EnrolLink | undefined, unfinished: boolean): Page {
  const link = signal(first);
  const stage = signal<Stage>("asking");
  const wrong = signal<Trouble | undefined>(undefined);
  const take = (text: string) => {
    const found = readLink(text);
    wrong.value = found ? elsewhere(found) : { key: "trouble_link" };
    if (!wrong.value) link.value = found;
  };
  if (first) {
    wrong.value = elsewhere(first);
    if (wrong.value) link.value = undefined;
  }
  const secret = unfinished ? undefined : chooseSecret();
  const label = h("input", { type: "text", maxlength: "40", autocomplete: "off" });
  const go = async (whole: EnrolLink) => {
    const chosen = secret?.read();
    if (secret && chosen === undefined) {
      differ.value = true;
      return;
    }
    differ.value = false;
    wrong.value = undefined;
    stage.value = "keys";
    const step = (now: EnrolStep) => (stage.value = now);
    try {
      const desk = secret ? await app.door.enrol(whole, chosen as string, label.value, step) : await app.door.finish(whole, step);
      secret?.clear();
      app.opened(desk);
      app.replace({ page: "done" });
    } catch (error) {
      stage.value = "asking";
      wrong.value = troubleOf(error);
    }
  };
  const differ = signal(false);
  const asking = (whole: EnrolLink) => h("div", null,
    h("dl", { class: "facts" }, h("dt", null, say("enrol_server")), h("dd", null, new URL(whole.server).host), h("dt", null, say("enrol_organisation")), h("dd", null, whole.organisation)),
    h("p", null, say("enrol_check")),
    secret?.element, secret ? [field(say("enrol_label"), label, say("enrol_label_hint")), homeName()] : null,
    live(() => (differ.value ? h("div", { class: "trouble", role: "alert" }, h("p", null, say("enrol_differ"))) : null)),
    live(() => trouble(wrong.value)),
    h("div", { class: "buttons" }, button(say("enrol_go"), () => void go(whole), "main")));
  return {
    title: say("enrol_title"),
    content: [
      unfinished ? note(h("p", null, say("enrol_unfinished"))) : null,
      live(() => {
        const now = stage.value;
        if (now !== "asking") return note(h("p", null, say(`enrol_step_${now}`)));
        return link.value ? asking(link.value) : [pasting(take), live(() => trouble(wrong.value))];
      }),
    ],
  };
}

function pasting(take: (text: string) => void): HTMLElement {
  const input = h("textarea", { rows: "4", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  return h("div", null, paragraphs("enrol_intro"), field(say("enrol_link"), input),
    h("div", { class: "buttons" }, button(say("next"), () => take(input.value), "main")));
}

/** A page only speaks with the server that it came from. */
function elsewhere(link: EnrolLink): Trouble | undefined {
  return link.server === location.origin ? undefined : { key: "trouble_other_server", with: { server: link.server } };
}

/** Which name and picture the browser will put on the home screen. */
function homeName(): HTMLElement {
  return choice(say("enrol_home"), [
    { value: "plain.webmanifest", text: say("enrol_home_plain") },
    { value: "manifest.webmanifest", text: "Tributary" },
  ], "plain.webmanifest", (file) => document.querySelector("link[rel=manifest]")?.setAttribute("href", file));
}

export function donePage(app: App): Page {
  const kept = signal<boolean | undefined>(undefined);
  void app.door.kept().then((promised) => (kept.value = promised));
  return {
    title: say("enrol_done_title"),
    content: [
      h("p", null, say("enrol_done")),
      live(() => (kept.value === undefined ? null : note(h("p", null, say(kept.value ? "enrol_kept" : "enrol_not_kept"))))),
      h("div", { class: "buttons" }, button(say("enrol_start"), () => app.replace({ page: "list" }), "main")),
    ],
  };
}
