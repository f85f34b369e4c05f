// Something to acknowledge.
//
// Not here: consent to store, which is a choice.

import { isCleared } from "../answers";
import { watch } from "../watch";
import type { Draw } from "./context";
import { h } from "./dom";
import { tie } from "./text";

export const drawTrigger: Draw = (node, context, ties) => {
  const input = h("input", { type: "checkbox" });
  tie(input, ties);
  input.setAttribute("aria-labelledby", `${ties.label} ${ties.control}-ok`);
  input.addEventListener("change", () => {
    context.session.type(node, input.checked ? "OK" : "");
    context.touch(node);
  });
  watch(() => {
    input.checked = !isCleared(context.session.shown(node));
    input.disabled = node.readonly;
  });
  return h("div", { class: "choice" }, input, h("label", { for: ties.control, id: `${ties.control}-ok` }, context.say("acknowledge")));
};
