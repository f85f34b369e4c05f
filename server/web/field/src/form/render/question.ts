// One question: its label, hint, guidance, control, mistake and conflict, tied together for eyes and screen readers.
//
// Not here: the controls themselves, one file each.

import { isCleared } from "../answers";
import type { Node, Violation } from "../engine";
import { watch } from "../watch";
import { conflict } from "./conflict";
import type { Context, Draw, Ties } from "./context";
import { drawDate, drawDateTime, drawTime } from "./date";
import { h, newId, refill, show } from "./dom";
import { drawGeo } from "./geo";
import { drawRange } from "./range";
import { drawRank } from "./rank";
import { drawSelect } from "./select";
import { spoken } from "./spoken";
import { drawText } from "./text";
import { drawTrigger } from "./trigger";
import { drawUpload } from "./upload";
import { media, words } from "./wording";

function drawOf(node: Node, context: Context): Draw {
  switch (node.kind) {
    case "select":
      return drawSelect;
    case "rank":
      return drawRank;
    case "range":
      return drawRange;
    case "trigger":
      return drawTrigger;
    case "upload":
      return drawUpload;
    default:
      break;
  }
  switch (context.session.field(node)?.type.replace(/^.*:/, "")) {
    case "date":
      return drawDate;
    case "time":
      return drawTime;
    case "datetime":
      return drawDateTime;
    case "geopoint":
    case "geotrace":
    case "geoshape":
      return drawGeo;
    default:
      return drawText;
  }
}

/** Questions of several controls, or of buttons with names of their own, are a group for screen readers; the others have one label. */
function isGroup(node: Node, context: Context): boolean {
  if (["rank", "range", "select", "upload"].includes(node.kind)) return true;
  return /^(datetime|geo\w+)$/.test(context.session.field(node)?.type ?? "");
}

/** What is wrong with an answer, if anything. An answer that the form cannot hold, a very large number, is an answer all the same. */
export function mistake(node: Node, context: Context): string | undefined {
  if (!node.relevant || node.kind === "note") return undefined;
  const answer = context.session.of(node);
  if (answer.problem !== undefined) return context.say(answer.problem);
  const found: Violation | undefined = node.violation;
  if (found === undefined || (found.kind === "required" && !isCleared(answer.value))) return undefined;
  return found.message || context.say(found.kind === "required" ? "error_required" : "error_constraint");
}

/** Whether only an answer is missing. */
export function isOpen(node: Node, context: Context): boolean {
  return context.session.of(node).problem === undefined && node.violation?.kind === "required";
}

export function question(node: Node, context: Context): HTMLElement {
  return node.kind === "note" ? note(node, context) : asked(node, context);
}

function note(node: Node, context: Context): HTMLElement {
  const box = h("div", { class: "question note-question", "data-path": node.path });
  watch(() => {
    show(box, node.relevant);
    const { label, hint } = node;
    refill(box, label && h("p", {}, words(label)), label && media(label, context), hint && h("p", { class: "hint" }, words(hint)), node.text === "" ? undefined : h("p", {}, node.text));
  });
  return box;
}

function asked(node: Node, context: Context): HTMLElement {
  const ties: Ties = { control: newId("q"), label: newId("label"), described: `${newId("hint")} ${newId("mistake")}` };
  const [hintId = "", mistakeId = ""] = ties.described.split(" ");
  const group = isGroup(node, context);
  const label = group ? h("legend", { id: ties.label }) : h("label", { id: ties.label, for: ties.control });
  const mediaBox = h("div", { class: "label-media" });
  const hint = h("div", { class: "hint", id: hintId });
  const wrong = h("p", { class: "mistake", id: mistakeId, "aria-live": "polite" });
  const control = drawOf(node, context)(node, context, ties);
  const parts = [label, mediaBox, hint, guidance(node, context), control, wrong, refused(node, context), notOffered(node, context)];
  const box = group
    ? h("fieldset", { class: "question", "data-path": node.path, "aria-describedby": ties.described }, parts)
    : h("div", { class: "question", "data-path": node.path }, parts);
  box.append(conflict(context.session.of(node), node, context, (value) => context.session.set(node, value)));
  watch(() => show(box, node.relevant));
  watch(() => {
    const text = node.label;
    const needed = node.required ? h("span", { class: "needed" }, context.say("required")) : undefined;
    refill(label, text && text.plain !== "" ? words(text) : node.name, " ", needed);
    refill(mediaBox, text && media(text, context));
    refill(hint, node.hint && words(node.hint), node.hint && media(node.hint, context));
  });
  watch(() => {
    const text = context.touched(node) ? mistake(node, context) : undefined;
    box.classList.toggle("wrong", text !== undefined);
    wrong.textContent = text === undefined ? "" : `⚠ ${text}`;
    for (const input of box.querySelectorAll("input, select, textarea")) {
      if (text === undefined) input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
    }
  });
  return box;
}

/** Words for whoever asks, folded away. */
function guidance(node: Node, context: Context): HTMLElement | undefined {
  const said = context.session.given.xform.guidance.get(node.path);
  if (said === undefined) return undefined;
  const text = h("p", {});
  watch(() => {
    const { form, xform } = context.session.given;
    text.textContent = said.get(form.language) ?? said.get(xform.defaultLanguage) ?? [...said.values()][0] ?? "";
  });
  return h("details", { class: "guidance" }, h("summary", {}, context.say("more_guidance")), text);
}

function refused(node: Node, context: Context): HTMLElement {
  const box = h("p", { class: "mistake", role: "status" });
  watch(() => {
    const code = context.session.of(node).refused;
    show(box, code !== undefined);
    box.textContent = code === undefined ? "" : context.say(code === "needs_decision" ? "needs_decision" : "not_allowed");
  });
  return box;
}

/** An answer that is recorded and that the control cannot show: a choice that the form filters away, a number off its scale. */
function notOffered(node: Node, context: Context): HTMLElement {
  const box = h("div", { class: "flag" });
  watch(() => {
    const { value, typed } = context.session.of(node);
    const choice = node.kind === "select" || node.kind === "range" || node.kind === "rank";
    const lost = choice && node.relevant && typed === undefined && !isCleared(value) && node.text === "";
    show(box, lost);
    if (!lost) return refill(box);
    const clear = h("button", { type: "button", class: "quiet" }, context.say("clear"));
    clear.addEventListener("click", () => context.session.set(node, { null: true }));
    refill(box, h("p", {}, context.say("not_offered", { what: spoken(value, node, context) })), clear);
  });
  return box;
}
