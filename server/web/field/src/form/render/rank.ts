// Putting choices in order, by buttons.
//
// Not here: choosing (select.ts).

import { unwatched, watch } from "../watch";
import type { Draw } from "./context";
import { h, refill, show } from "./dom";
import { media, words } from "./wording";

export const drawRank: Draw = (node, context) => {
  const { session } = context;
  const list = h("ol", { class: "rank" });
  const sure = h("button", { type: "button" }, context.say("rank_ok"));
  const open = h("p", { class: "note" }, context.say("rank_open"));
  const order = () => (node.codes.length > 0 ? [...node.codes] : node.choices.map((c) => c.code));
  const set = (codes: string[]) => {
    session.set(node, { text: codes.join(" ") });
    context.touch(node);
  };
  sure.addEventListener("click", () => set(unwatched(order)));
  const move = (code: string, by: number) => {
    const codes = unwatched(order);
    const from = codes.indexOf(code);
    const to = from + by;
    if (to < 0 || to >= codes.length) return;
    codes.splice(from, 1);
    codes.splice(to, 0, code);
    set(codes);
    const label = unwatched(() => node.choices.find((c) => c.code === code)?.label.plain ?? code);
    context.announce(context.say("rank_now", { what: label, place: to + 1 }));
    // The list is drawn again; the finger or key stays on the same choice.
    queueMicrotask(() => {
      const same = [...list.querySelectorAll<HTMLButtonElement>("button")].filter((b) => b.dataset["code"] === code);
      (same.find((b) => b.dataset["by"] === String(by) && !b.disabled) ?? same.find((b) => !b.disabled))?.focus();
    });
  };
  watch(() => {
    const labels = new Map(node.choices.map((c) => [c.code, c.label]));
    const codes = order();
    refill(list, codes.map((code, place) => {
      const label = labels.get(code);
      const what = label?.plain || code;
      const button = (by: number, sign: string, say: "rank_up" | "rank_down", off: boolean) => {
        const b = h("button", { type: "button", "aria-label": context.say(say, { what }), "data-code": code, "data-by": String(by), disabled: off || node.readonly }, sign);
        b.addEventListener("click", () => move(code, by));
        return b;
      };
      return h("li", {}, h("span", { class: "what" }, label ? words(label) : code, label ? media(label, context) : undefined), button(-1, "↑", "rank_up", place === 0), button(1, "↓", "rank_down", place === codes.length - 1));
    }));
    const isOpen = node.codes.length === 0;
    show(sure, isOpen && !node.readonly);
    show(open, isOpen);
  });
  return h("div", {}, open, list, sure);
};
