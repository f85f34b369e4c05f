// Texts of the form as elements: bold, italics and lists are kept, links are shown as words, pictures and sounds come from the
// form's own files.
//
// Not here: texts of the interface (texts.ts).

import type { Piece, Wording } from "../engine";
import { atEnd } from "../watch";
import type { Context } from "./context";
import { type Child, h } from "./dom";

/** The words of a text. */
export function words(text: Wording): Child[] {
  return text.pieces().map(element);
}

function element(piece: Piece): Child {
  if (typeof piece === "string") return piece;
  const inner = piece.inner.map(element);
  switch (piece.tag) {
    case "br":
      return h("br");
    case "p":
      return h("span", { class: "paragraph" }, inner);
    case "h":
      return h("strong", { class: "paragraph" }, inner);
    case "link":
      return [...inner, piece.url && !textOf(piece).includes(piece.url) ? ` (${piece.url})` : ""];
    case "ul":
    case "ol":
      return h("span", { class: "list" }, inner);
    case "li":
      return h("span", { class: "item" }, inner);
    default:
      return h(piece.tag, {}, inner);
  }
}

function textOf(piece: Piece): string {
  return typeof piece === "string" ? piece : piece.inner.map(textOf).join("");
}

/** Picture and sound of a text; nothing where it has none. */
export function media(text: Wording, context: Context): Child[] {
  const out: Child[] = [];
  if (text.image !== undefined) out.push(picture(text.image, text.plain, context));
  if (text.audio !== undefined) out.push(player(text.audio, context, "audio"));
  if (text.video !== undefined) out.push(player(text.video, context, "video"));
  return out;
}

export function picture(name: string, alt: string, context: Context): HTMLElement {
  const box = h("span", { class: "picture" });
  void url(name, context).then((found) => {
    if (found === undefined) box.append(h("span", { class: "missing" }, context.say("picture_missing")));
    else box.append(h("img", { src: found, alt }));
  });
  return box;
}

/** Bytes of the form's file as an address that lives as long as what is drawn. */
async function url(name: string, context: Context): Promise<string | undefined> {
  let over = false;
  let made: string | undefined;
  atEnd(() => {
    over = true;
    if (made !== undefined) URL.revokeObjectURL(made);
  });
  const file = await context.files(name).catch(() => undefined);
  if (file === undefined || over) return undefined;
  made = URL.createObjectURL(file);
  return made;
}

function player(name: string, context: Context, kind: "audio" | "video"): HTMLElement {
  const button = h("button", { type: "button", class: "listen" }, `▶ ${context.say("listen")}`);
  const box = h("span", { class: "media" }, button);
  let playing: HTMLMediaElement | undefined;
  const found = url(name, context);
  const rest = () => {
    playing?.pause();
    playing = undefined;
    button.textContent = `▶ ${context.say("listen")}`;
  };
  atEnd(rest);
  button.addEventListener("click", () => {
    if (playing !== undefined) return rest();
    void found.then((source) => {
      if (source === undefined) return;
      playing = kind === "audio" ? new Audio(source) : h("video", { src: source, playsinline: true, controls: true });
      if (kind === "video") box.append(playing);
      playing.addEventListener("ended", rest);
      button.textContent = `■ ${context.say("stop")}`;
      void playing.play().catch(rest);
    });
  });
  return box;
}
