// Photos, sounds and files, through the app's store of attachments.
//
// Not here: how they are kept or sent.

import { atEnd, cell, watch } from "../watch";
import type { Context, Draw, FileRef } from "./context";
import { h, refill, show } from "./dom";
import { bytes } from "./spoken";
import type { Node } from "../engine";

const WORDS = { image: "image_add", audio: "audio_add", video: "video_add", file: "file_add" } as const;

export const drawUpload: Draw = (node, context, ties) => {
  const type = context.session.field(node)?.type ?? "file";
  const kind = type === "image" || type === "audio" || type === "video" ? type : "file";
  const accept = node.accept === "*" ? "" : node.accept;
  const input = h("input", { type: "file", class: "file", id: ties.control, accept, "aria-describedby": ties.described, ...(node.appearance.has("new") ? { capture: "environment" } : {}) });
  const note = h("p", { class: "note", role: "status" });
  const have = h("div", { class: "have" });
  const busy = cell(false);
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file === undefined) return;
    if (!context.mayStore()) {
      note.textContent = context.say("waiting_consent");
      input.value = "";
      return;
    }
    busy.value = true;
    note.textContent = context.say("file_adding");
    context.attachments
      .add(file)
      .then(({ ref }) => {
        context.session.set(node, { attachment: { sha256: ref.sha256, size: ref.size, type: ref.type } });
        note.textContent = "";
      })
      .catch(() => (note.textContent = context.say("file_failed")))
      .finally(() => {
        busy.value = false;
        input.value = "";
        context.touch(node);
      });
  });
  const pick = h("label", { class: "pick", for: ties.control }, context.say(WORDS[kind]));
  watch(() => {
    show(pick, !node.readonly);
    input.disabled = busy.value || node.readonly;
  });
  watch(() => {
    const value = context.session.shown(node);
    const ref = value !== undefined && "attachment" in value ? value.attachment : undefined;
    refill(have, ref === undefined ? undefined : shown(ref, node, context));
  });
  return h("div", { class: "upload" }, have, input, pick, note);
};

function shown(ref: FileRef, node: Node, context: Context): HTMLElement {
  const what = context.say("file_here", { size: bytes(ref.size) });
  const note = h("p", { class: "note" }, what);
  const box = h("div", { class: "row" });
  const addresses: string[] = [];
  let over = false;
  atEnd(() => {
    over = true;
    for (const address of addresses) URL.revokeObjectURL(address);
  });
  const address = (blob: Blob) => {
    const made = URL.createObjectURL(blob);
    addresses.push(made);
    return made;
  };
  const picture = ref.type.startsWith("image/");
  void context.attachments.open(ref, picture).then((blob) => {
    if (over) return;
    if (blob === undefined) note.textContent = `${what}. ${context.say("file_missing")}`;
    else if (picture) box.prepend(h("img", { src: address(blob), alt: what, class: "thumbnail" }));
    else if (ref.type.startsWith("audio/")) box.prepend(h("audio", { src: address(blob), controls: true }));
    else if (ref.type.startsWith("video/")) box.prepend(h("video", { src: address(blob), controls: true, playsinline: true }));
  });
  const remove = h("button", { type: "button", class: "quiet" }, context.say("file_remove"));
  remove.addEventListener("click", () => context.session.set(node, { null: true }));
  return h("div", {}, box, note, node.readonly ? undefined : remove);
}
