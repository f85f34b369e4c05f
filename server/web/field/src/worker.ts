/**
 * The service worker: keeps the files of the app, so that it starts without a network.
 *
 * One cache a version, filled whole or not at all; a new version waits until the app says so (no form is open, or the person
 * asked). It answers for the files of its list and for nothing else: what goes to `/api` and `/sync` never comes here.
 */
/// <reference lib="webworker" />
export {};
declare const self: ServiceWorkerGlobalScope;
/** Put in by the build: every file of the app, and a hash over all their contents. */
declare const FILES: readonly string[];
declare const VERSION: string;

const PREFIX = "app-";
const CACHE = PREFIX + VERSION;
const base = new URL("./", self.location.href);
const index = new URL("index.html", base).href;
const files = new Set(FILES.map((name) => new URL(name, base).href));

self.addEventListener("install", (event) => {
  // Past the browser's own cache: what is kept must be what this version was built with.
  const wanted = [...files].map((url) => new Request(url, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(wanted)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  const href = url.origin + url.pathname;
  const wanted = request.mode === "navigate" && href === base.href ? index : href;
  if (!files.has(wanted)) return;
  event.respondWith((async () => {
    const kept = await (await caches.open(CACHE)).match(wanted);
    return kept ?? fetch(request);
  })());
});
