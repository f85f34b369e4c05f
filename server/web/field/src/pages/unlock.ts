/**
 * Opening a profile: by PIN pad or keyboard, with waits that grow after wrong tries.
 * Not here: what is tried (vault/), how long one waits (vault/tries.ts).
 */
import { type Profile, Refused } from "../desk/desk.ts";
import { atEnd, h, live } from "../ui/dom.ts";
import { button, choice, field, trouble } from "../ui/parts.ts";
import { signal } from "../ui/signal.ts";
import { troubleOf } from "../desk/troubles.ts";
import { language, say, span, type Trouble } from "../words/index.ts";
import { type App, type Page } from "./app.ts";
import { secretInput } from "./secret.ts";

export function unlockPage(app: App, first: Trouble | undefined): Page {
  const profiles = signal<Profile[] | undefined>(undefined);
  const wrong = signal(first);
  app.door.profiles().then(
    (found) => {
      if (found.length === 0) app.replace({ page: "enrol" });
      else profiles.value = found;
    },
    (error: unknown) => (wrong.value = troubleOf(error)),
  );
  return {
    title: say("unlock_title"),
    content: live(() => {
      const found = profiles.value;
      if (!found) return trouble(wrong.value);
      return [opening(app, found, wrong), h("div", { class: "buttons column" },
        button(say("unlock_forgot"), () => app.go({ page: "help" }), "link"),
        button(say("unlock_other"), () => app.go({ page: "enrol" }), "link"))];
    }),
  };
}

function opening(app: App, profiles: Profile[], wrong: { value: Trouble | undefined }): HTMLElement {
  let chosen = (profiles[0] as Profile).id;
  const busy = signal(false);
  const until = signal(0);
  const now = signal(performance.now());
  const clock = setInterval(() => (now.value = performance.now()), 500);
  atEnd(() => clearInterval(clock));
  const input = secretInput("current-password");
  const waits = (ms: number) => (until.value = ms > 0 ? performance.now() + ms : 0);
  const look = () => app.door.wait(chosen).then(waits, () => undefined);
  void look();
  const open = async (takeOver = false) => {
    if (busy.value || input.value === "") return;
    busy.value = true;
    wrong.value = undefined;
    const secret = input.value;
    try {
      const desk = await app.door.unlock(chosen, secret, takeOver);
      input.value = "";
      if (desk === "unfinished") return app.replace({ page: "enrol", unfinished: true });
      app.opened(desk);
      app.replace({ page: "list" });
    } catch (error) {
      wrong.value = troubleOf(error);
      // Kept for the one answer after which the same secret is wanted again.
      if (wrong.value.key !== "trouble_elsewhere") input.value = "";
      if (error instanceof Refused) waits(error.wait);
    } finally {
      busy.value = false;
    }
  };
  const form = h("form", { class: "unlock", on: { submit: (event) => { event.preventDefault(); void open(); } } },
    profiles.length > 1 ? choice(say("settings_profile"), profiles.map((p, n) => ({ value: p.id, text: p.label || say("unlock_profile", { n: n + 1 }) })), chosen, (id) => { chosen = id; void look(); }) : null,
    field(say("unlock_secret"), input),
    pad(input),
    live(() => {
      const left = until.value - now.value;
      if (left > 0) return h("p", { class: "trouble", role: "alert" }, say("unlock_wait", { time: span(left) }));
      return h("button", { type: "submit", class: "main", disabled: busy.value }, busy.value ? say("wait") : say("unlock_go"));
    }),
    live(() => trouble(wrong.value)),
    live(() => (wrong.value?.key === "trouble_elsewhere" ? button(say("unlock_takeover"), () => void open(true)) : null)));
  return form;
}

/** Large digits for wet fingers; the keyboard for a passphrase. */
function pad(input: HTMLInputElement): HTMLElement {
  const shown = signal(true);
  const type = (digit: string) => {
    input.value += digit;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  return live(() => {
    void language.value;
    if (!shown.value) return button(say("unlock_digits"), () => { shown.value = true; input.inputMode = "numeric"; }, "link");
    const digits = ["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((digit) => button(digit, () => type(digit)));
    const remove = button("⌫", () => { input.value = input.value.slice(0, -1); });
    remove.setAttribute("aria-label", say("unlock_delete"));
    return [
      h("div", { class: "pad" }, digits, h("span"), button("0", () => type("0")), remove),
      button(say("unlock_keyboard"), () => { shown.value = false; input.inputMode = "text"; input.focus(); }, "link"),
    ];
  });
}
