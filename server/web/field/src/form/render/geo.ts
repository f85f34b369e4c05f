// Positions, only when asked for by a tap; nothing listens to the satellites otherwise.
//
// Not here: positions that a form would take by itself: it gets none.

import { instanceText } from "../answers";
import { watch } from "../watch";
import type { Draw } from "./context";
import { h, refill, show } from "./dom";

function locate(): Promise<GeolocationCoordinates> {
  return new Promise((found, failed) =>
    navigator.geolocation.getCurrentPosition((p) => found(p.coords), failed, { enableHighAccuracy: true, timeout: 60_000, maximumAge: 0 }),
  );
}

/** As an XForm writes a point, to some 10 cm. */
function pointText(at: GeolocationCoordinates): string {
  return [at.latitude.toFixed(6), at.longitude.toFixed(6), (at.altitude ?? 0).toFixed(1), at.accuracy.toFixed(1)].map((n) => String(Number(n))).join(" ");
}

export const drawGeo: Draw = (node, context, ties) => {
  const { session } = context;
  const many = session.field(node)?.type !== "geopoint";
  const take = h("button", { type: "button", id: ties.control, "aria-describedby": ties.described }, context.say(many ? "position_point" : "position_take"));
  const undo = h("button", { type: "button", class: "quiet" }, context.say(many ? "position_undo" : "clear"));
  const now = h("p", { class: "now" });
  const note = h("p", { class: "note", role: "status" });
  const points = () => instanceText(session.shown(node)).split(";").map((p) => p.trim()).filter((p) => p !== "");
  take.addEventListener("click", () => {
    take.disabled = true;
    note.textContent = context.say("position_wait");
    locate()
      .then((at) => {
        session.type(node, many ? [...points(), pointText(at)].join("; ") : pointText(at));
        note.textContent = "";
        context.touch(node);
      })
      .catch(() => (note.textContent = context.say("position_failed")))
      .finally(() => (take.disabled = false));
  });
  undo.addEventListener("click", () => session.type(node, many ? points().slice(0, -1).join("; ") : ""));
  watch(() => {
    const all = points();
    const [lat = "", lon = "", , metres = "?"] = (all.at(-1) ?? "").split(" ");
    show(undo, all.length > 0 && !node.readonly);
    show(take, !node.readonly);
    refill(now, all.length === 0 ? "" : many ? context.say("position_points", { count: all.length }) : context.say("position_at", { lat, lon, metres: Math.round(Number(metres)) || "?" }));
  });
  return h("div", {}, now, h("div", { class: "row" }, take, undo), note);
};
