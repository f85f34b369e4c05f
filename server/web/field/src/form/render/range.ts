// A number on a scale: short scales as buttons, long ones as a slider that is blank until somebody moves it.
//
// Not here: free numbers (text.ts).

import { instanceText } from "../answers";
import { watch } from "../watch";
import type { Draw } from "./context";
import { h, newId, show } from "./dom";
import { tie } from "./text";

const SHORT = 12;

/** The stops of a scale, without the dust of binary fractions. */
function stops(start: number, end: number, step: number): string[] {
  const places = Math.max(...[start, step].map((n) => (String(n).split(".")[1] ?? "").length));
  const count = Math.floor(Math.abs(end - start) / Math.abs(step) + 1e-9);
  const sign = end < start ? -1 : 1;
  return Array.from({ length: Math.min(count, 1000) + 1 }, (_, i) => String(Number((start + sign * Math.abs(step) * i).toFixed(places))));
}

export const drawRange: Draw = (node, context, ties) => {
  const scale = node.range ?? { start: 0, end: 10, step: 1 };
  const all = stops(scale.start, scale.end, scale.step || 1);
  return all.length <= SHORT ? scaleButtons(all)(node, context, ties) : slider(all)(node, context, ties);
};

const scaleButtons = (all: string[]): Draw => (node, context, ties) => {
  const name = newId("of");
  const list = all.map((stop) => {
    const id = newId("stop");
    const input = h("input", { type: "radio", name, id, value: stop, "aria-describedby": ties.described });
    input.addEventListener("change", () => {
      context.session.type(node, stop);
      context.touch(node);
    });
    watch(() => {
      input.checked = instanceText(context.session.shown(node)) === stop;
      input.disabled = node.readonly;
    });
    return h("div", { class: "choice" }, input, h("label", { for: id }, stop));
  });
  const clear = h("button", { type: "button", class: "quiet" }, context.say("clear"));
  clear.addEventListener("click", () => context.session.set(node, { null: true }));
  watch(() => show(clear, !node.readonly && instanceText(context.session.shown(node)) !== ""));
  return h("div", {}, h("div", { class: "scale" }, list), clear);
};

const slider = (all: string[]): Draw => (node, context, ties) => {
  const { session } = context;
  const input = h("input", { type: "range", min: "0", max: String(all.length - 1), step: "1" });
  const now = h("output", { class: "now" });
  tie(input, ties);
  input.setAttribute("aria-labelledby", ties.label);
  const set = (index: number) => session.type(node, all[Math.max(0, Math.min(all.length - 1, index))] ?? "");
  input.addEventListener("input", () => set(Number(input.value)));
  // A tap on the place where the thumb rests is an answer too.
  input.addEventListener("click", () => set(Number(input.value)));
  input.addEventListener("change", () => context.touch(node));
  const step = (sign: string, say: "range_less" | "range_more", by: number) => {
    const button = h("button", { type: "button", "aria-label": context.say(say) }, sign);
    button.addEventListener("click", () => set(Number(input.value) + by));
    return button;
  };
  watch(() => {
    const text = instanceText(session.shown(node));
    const at = all.indexOf(text);
    input.classList.toggle("open", text === "");
    input.value = String(at < 0 ? Math.floor(all.length / 2) : at);
    input.disabled = node.readonly;
    now.textContent = text === "" ? context.say("range_open") : text;
    input.setAttribute("aria-valuetext", now.textContent);
  });
  const clear = h("button", { type: "button", class: "quiet" }, context.say("clear"));
  clear.addEventListener("click", () => session.set(node, { null: true }));
  watch(() => show(clear, !node.readonly && instanceText(session.shown(node)) !== ""));
  return h("div", {}, now, h("div", { class: "row" }, step("−", "range_less", -1), input, step("+", "range_more", 1)), h("div", { class: "ends" }, h("span", {}, all[0]), h("span", {}, all.at(-1))), clear);
};
