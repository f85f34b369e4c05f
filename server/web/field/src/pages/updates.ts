/**
 * The service worker from the page's side: starts it, notices a new version, and lets it take over when nothing is open.
 *
 * A new version only ever takes over when the person says so or when the app starts with nothing open; pages that hold an open
 * interview go on with the version they have. Not here: what the worker keeps (worker.ts).
 */
import { type Signal, signal } from "../ui/signal.ts";

export interface Updates {
  /** A new version waits. */
  ready: Signal<boolean>;
  /** Lets it take over; the page loads again once no interview is open. */
  use(): void;
}

export function watchUpdates(formOpen: () => boolean, whenClosed: (call: () => void) => void): Updates {
  const ready = signal(false);
  let waiting: ServiceWorker | undefined;
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  const noticed = (worker: ServiceWorker | null) => {
    if (!worker || !workers?.controller) return;
    waiting = worker;
    ready.value = true;
  };
  const start = async () => {
    if (!workers) return;
    const had = workers.controller !== null;
    workers.addEventListener("controllerchange", () => {
      // The first worker of a phone replaces nothing.
      if (!had) return;
      const reload = () => location.reload();
      if (formOpen()) whenClosed(reload);
      else reload();
    });
    const registration = await workers.register("sw.js", { updateViaCache: "none" });
    noticed(registration.waiting);
    // An app that is never closed looks for a new version, too.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => undefined);
    });
    registration.addEventListener("updatefound", () => {
      const found = registration.installing;
      found?.addEventListener("statechange", () => found.state === "installed" && noticed(found));
    });
  };
  // Without a worker (a private window, a certificate that is not trusted) the app works as long as it is open.
  start().catch(() => undefined);
  return { ready, use: () => waiting?.postMessage("take over") };
}
