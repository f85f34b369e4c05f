/**
 * Choosing a PIN or a passphrase: typed twice, with what it can do and cannot said beside it.
 * Not here: which ones are too weak (vault/secret.ts).
 */
import { choice, field, paragraphs } from "../ui/parts.ts";
import { h } from "../ui/dom.ts";
import { say } from "../words/index.ts";

export interface Choice {
  element: HTMLElement;
  /** The secret, or undefined when the two differ. */
  read(): string | undefined;
  clear(): void;
}

export function secretInput(autocomplete: "new-password" | "current-password" = "new-password"): HTMLInputElement {
  return h("input", { type: "password", inputmode: "numeric", autocomplete, autocapitalize: "none", spellcheck: "false", maxlength: "200" });
}

export function chooseSecret(): Choice {
  const [first, again] = [secretInput(), secretInput()];
  const kind = choice(say("enrol_secret"), [
    { value: "pin", text: say("enrol_pin"), hint: say("enrol_pin_hint") },
    { value: "phrase", text: say("enrol_phrase"), hint: say("enrol_phrase_hint") },
  ], "pin", (value) => {
    for (const input of [first, again]) input.inputMode = value === "pin" ? "numeric" : "text";
  });
  const element = h("div", null, kind, h("div", { class: "hint" }, paragraphs("secret_can", "secret_cannot", "secret_forgotten")),
    field(say("unlock_secret"), first), field(say("enrol_again"), again));
  return {
    element,
    read: () => (first.value === again.value ? first.value : undefined),
    clear: () => { first.value = again.value = ""; },
  };
}
