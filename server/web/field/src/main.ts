/** Starts the app. */
import { App, type Place } from "./pages/app.ts";
import { watchUpdates } from "./pages/updates.ts";
import { takeLink } from "./desk/link.ts";
import { realDoor } from "./desk/door.ts";
import { effect } from "./ui/signal.ts";
import { onlyOurs } from "./trusted.ts";

onlyOurs();
const link = takeLink();
const root = document.getElementById("app");
if (root) {
  const app: App = new App(realDoor(), watchUpdates(
    () => app.formOpen.peek(),
    (call) => {
      const stop = effect(() => {
        if (!app.formOpen.value) queueMicrotask(() => { stop(); call(); });
      });
    },
  ));
  const first: Place = link ? { page: "enrol", link } : { page: "unlock" };
  app.start(root, first);
  // A link that is opened in a window where the app runs already.
  addEventListener("hashchange", () => {
    const another = takeLink();
    if (another && !app.formOpen.peek()) app.go({ page: "enrol", link: another });
  });
}
