/**
 * Syncing as the person sees it: the button, the progress, what the server confirmed, the bytes of the day.
 * Not here: the exchange (sync/).
 */
import type { Desk } from "../desk/desk.ts";
import { h, live } from "../ui/dom.ts";
import { button, trouble } from "../ui/parts.ts";
import { bytes, moment, say, type TextKey } from "../words/index.ts";
import type { App, Page } from "./app.ts";

export function syncPage(app: App, desk: Desk): Page {
  const fact = (name: TextKey, value: string | HTMLElement) => [h("dt", null, say(name)), h("dd", null, value)];
  return {
    title: say("sync_title"),
    content: [
      live(() => {
        const { running, done, all, sent, received } = desk.sync.value;
        if (!running) return h("div", { class: "buttons" }, button(say("sync_now"), () => void desk.syncNow(), "main"));
        const values = { done, all, sent: bytes(sent), received: bytes(received) };
        return h("div", { role: "status" }, h("progress", { max: String(Math.max(all, 1)), value: String(done), "aria-label": say("bar_syncing") }), h("p", null, say("sync_progress", values)));
      }),
      live(() => {
        const { trouble: wrong, running } = desk.sync.value;
        if (running) return null;
        return [trouble(wrong), wrong?.key === "trouble_offline" ? h("p", { class: "quiet" }, say("sync_waiting")) : null];
      }),
      live(() => {
        const { last, today } = desk.sync.value;
        const { unsent } = desk.summary.value;
        return [
          last > 0 && unsent === 0 ? h("p", null, say("sync_up_to_date")) : null,
          h("dl", { class: "facts" },
            fact("sync_last", last > 0 ? moment(last) : say("sync_never")),
            fact("sync_today", say("sync_bytes", { sent: bytes(today.sent), received: bytes(today.received) }))),
        ];
      }),
      live(() => h("h2", null, say("sync_what_safe"))),
      live(() => {
        const { unsent, stored, copied, withCoordinator } = desk.summary.value;
        return h("dl", { class: "facts counts" },
          fact("sync_n_unsent", String(unsent)), fact("sync_n_stored", String(stored)),
          fact("sync_n_copied", String(copied)), fact("sync_n_coordinator", String(withCoordinator)));
      }),
      live(() => h("h2", null, say("sync_receipt"))),
      live(() => {
        const { unsent, stored, copied, withCoordinator } = desk.summary.value;
        const confirmed = stored + copied + withCoordinator;
        if (confirmed === 0) return h("p", null, say("sync_receipt_none"));
        return [
          unsent === 0 ? h("p", { class: "receipt" }, say("sync_receipt_text", { n: confirmed })) : null,
          h("p", null, say("sync_receipt_copied", { n: copied })),
        ];
      }),
      live(() => h("div", { class: "buttons" }, button(say("empty_title"), () => app.go({ page: "empty" })))),
    ],
  };
}
