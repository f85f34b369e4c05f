// Two answers to one question, beside it: both, who gave them and when. One tap takes one; leaving both is an answer too.
//
// Not here: how a settled answer is saved (session.ts).

import type { Live, Value } from "../../core/types";
import { sameValue, sortedCodes } from "../answers";
import type { Answer } from "../answer";
import { cell, watch } from "../watch";
import type { Context } from "./context";
import { h, newId, refill, show } from "./dom";
import { spoken, when } from "./spoken";
import type { Node } from "../engine";

function who(live: Live, context: Context): string {
  const moment = when(live.at, context);
  if (live.mine) return context.say("conflict_you", { when: moment });
  return live.by === "" ? context.say("conflict_unknown", { when: moment }) : context.say("conflict_by", { who: live.by, when: moment });
}

/** Of several choices nothing needs to be given up. */
function together(lives: readonly Live[], node: Node | undefined, context: Context, take: (value: Value) => void): HTMLElement | undefined {
  const sets = lives.map((l) => ("codes" in l.value ? l.value.codes : undefined));
  if (sets.includes(undefined)) return undefined;
  const all: Value = { codes: sortedCodes(sets.flatMap((s) => s ?? [])) };
  if (lives.some((l) => sameValue(l.value, all))) return undefined;
  const button = h("button", { type: "button" }, context.say("conflict_together", { what: spoken(all, node, context) }));
  button.addEventListener("click", () => take(all));
  return h("li", {}, button);
}

/** Empty while there is one answer. `take` settles; the node gives choices their labels. */
export function conflict(answer: Answer, node: Node | undefined, context: Context, take: (value: Value) => void): HTMLElement {
  const title = newId("conflict");
  const box = h("section", { class: "conflict", "aria-labelledby": title });
  const left = cell(false);
  watch(() => {
    const { lives } = answer;
    show(box, lives.length > 1 && !answer.settled);
    if (lives.length < 2 || answer.settled) return refill(box);
    context.session.saw(answer);
    const heading = h("h3", { id: title }, `⚠ ${context.say("conflict_title")}`);
    if (left.value) {
      const again = h("button", { type: "button", class: "quiet" }, context.say("conflict_show"));
      again.addEventListener("click", () => (left.value = false));
      return refill(box, heading, h("p", {}, context.say("conflict_left")), again);
    }
    const leave = h("button", { type: "button", class: "quiet" }, context.say("conflict_leave"));
    leave.addEventListener("click", () => (left.value = true));
    refill(box, heading, h("p", {}, context.say("conflict_take")), h("ul", {}, lives.map((live) => {
      const what = spoken(live.value, node, context);
      const button = h("button", { type: "button" }, h("strong", {}, what), " ", h("span", { class: "who" }, who(live, context)));
      button.addEventListener("click", () => take(live.value));
      return h("li", {}, button);
    }), together(lives, node, context, take)), leave);
  });
  return box;
}
