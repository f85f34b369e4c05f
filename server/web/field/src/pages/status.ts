/**
 * The line that is always in sight: what is only on this phone, what is not copied, what is with the coordinator.
 */
import type { Desk } from "../desk/desk.ts";
import { h, live } from "../ui/dom.ts";
import { signal } from "../ui/signal.ts";
import { say } from "../words/index.ts";
import type { App } from "./app.ts";

const online = signal(navigator.onLine);
addEventListener("online", () => (online.value = true));
addEventListener("offline", () => (online.value = false));

export function statusBar(app: App, desk: Desk): HTMLElement {
  return live(() => {
    const { unsent, stored, withCoordinator } = desk.summary.value;
    const parts = [
      unsent > 0 ? h("strong", { class: "unsent" }, say("bar_unsent", { n: unsent })) : null,
      stored > 0 ? h("span", null, say("bar_stored", { n: stored })) : null,
      withCoordinator > 0 ? h("span", null, say("bar_coordinator", { n: withCoordinator })) : null,
      unsent + stored + withCoordinator === 0 ? h("span", null, say("bar_safe")) : null,
      online.value ? null : h("span", { class: "offline" }, say("bar_offline")),
      desk.sync.value.running ? h("span", null, say("bar_syncing")) : null,
    ];
    return h("button", { type: "button", class: "status", "aria-label": `${say("bar_status")}: ${parts.map((p) => p?.textContent ?? "").filter(Boolean).join(", ")}`, on: { click: () => app.go({ page: "sync" }) } }, parts);
  });
}
