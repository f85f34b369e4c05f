// Words, numbers and codes that are typed.
//
// Not here: days and times (date.ts).

import { instanceText } from "../answers";
import { atEnd, unwatched, watch } from "../watch";
import { looksLikeZawgyi } from "../zawgyi";
import type { Context, Draw, Ties } from "./context";
import { h, newId, show } from "./dom";
import type { Node } from "../engine";

type Typed = HTMLInputElement | HTMLTextAreaElement;

export const drawText: Draw = (node, context, ties) => {
  const type = context.session.field(node)?.type ?? "text";
  const isNumber = type === "integer" || type === "decimal";
  const long = !isNumber && (node.appearance.has("multiline") || (node.rows ?? 1) > 1);
  const input: Typed = long
    ? h("textarea", { rows: String(Math.max(3, node.rows ?? 4)) })
    : h("input", { type: "text", autocomplete: "off" });
  if (isNumber || node.appearance.has("numbers")) input.setAttribute("inputmode", type === "decimal" ? "decimal" : "numeric");
  if (isNumber) input.classList.add("number");
  const flag = h("p", { class: "flag", id: newId("zawgyi") }, context.say("zawgyi"));
  tie(input, ties, flag.id);
  bind(input, node, context, (text) => context.session.type(node, text));
  watch(() => show(flag, !isNumber && looksLikeZawgyi(instanceText(context.session.shown(node)))));
  return type === "barcode" ? h("div", {}, input, scanner(node, context, input), flag) : h("div", {}, input, flag);
};

export function tie(input: HTMLElement, ties: Ties, also = ""): void {
  input.id = ties.control;
  input.setAttribute("aria-describedby", `${ties.described} ${also}`.trim());
}

/** Shows what is answered, and passes on what is typed. */
export function bind(input: Typed, node: Node, context: Context, typed: (text: string) => void): void {
  input.addEventListener("input", () => typed(input.value));
  input.addEventListener("change", () => context.touch(node));
  watch(() => {
    const answer = context.session.of(node);
    // A calculation shows what the form says now.
    const text = answer.typed ?? (node.readonly ? node.text : instanceText(context.session.shown(node)));
    input.readOnly = node.readonly;
    // While it is typed in, "1." is not turned into "1".
    const same = document.activeElement === input && unwatched(() => input.value.trim() !== "") && text !== "" && sameNumber(input.value, text);
    if (!same && input.value !== text) input.value = text;
  });
}

function sameNumber(typed: string, text: string): boolean {
  return /^[+-]?[\d.,\s\u0e50-\u109f\u17e0-\u17e9]*$/.test(typed) && /^-?[\d.]+$/.test(text);
}

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

/** Reads codes with the camera where the browser can; the code can always be typed. */
function scanner(node: Node, context: Context, input: Typed): HTMLElement {
  const Make = (globalThis as { BarcodeDetector?: new () => Detector }).BarcodeDetector;
  if (Make === undefined) return h("span");
  const button = h("button", { type: "button" }, context.say("scan"));
  const note = h("p", { class: "note", role: "status" });
  const box = h("div", { class: "scanner" }, button, note);
  let stop: (() => void) | undefined;
  const start = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const video = h("video", { playsinline: true, muted: true });
    video.srcObject = stream;
    const end = () => {
      stop = undefined;
      for (const track of stream.getTracks()) track.stop();
      video.remove();
      button.textContent = context.say("scan");
    };
    stop = end;
    box.append(video);
    button.textContent = context.say("scan_stop");
    await video.play();
    const detector = new Make();
    while (stop === end) {
      const [found] = await detector.detect(video);
      if (found !== undefined) {
        input.value = found.rawValue;
        context.session.type(node, found.rawValue);
        end();
      }
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  };
  button.addEventListener("click", () => {
    if (stop !== undefined) return stop();
    start().catch(() => {
      stop?.();
      note.textContent = context.say("scan_failed");
    });
  });
  atEnd(() => stop?.());
  return box;
}
