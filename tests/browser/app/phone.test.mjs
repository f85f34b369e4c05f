// One phone and what befalls it: wrong PINs, two tabs, a line that breaks, a new version of the app, storage that is refused.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Phone, PIN } from "./phone.mjs";
import { Relay } from "./relay.mjs";
import { SMALL } from "./small.mjs";
import { steps } from "./steps.mjs";
import { World } from "./world.mjs";

let world, relay, phone;

before(async () => {
  world = await World.start();
  await world.publish("small.xml", SMALL);
  relay = await Relay.before(world);
  phone = await Phone.make();
});
after(async () => {
  await phone?.end();
  await relay?.stop();
  await world?.stop();
});

const write = async (place) => {
  await phone.newInterview();
  await phone.text("/data/place", place);
  await phone.saved();
};

test("a phone keeps and delivers what it was told, whatever befalls it", async (t) => {
  const step = steps(t, () => ({ phone }));

  await step("a link that is cut, a link of another server, and two secrets that differ are told apart", async () => {
    const link = relay.link(await world.link(await world.worker("Dara")));
    await phone.open(relay.url);
    await phone.page.getByLabel("The link").fill(link.slice(0, -10));
    await phone.button("Next").click();
    await phone.page.getByText("This is not a whole link.", { exact: false }).waitFor();
    await phone.page.getByLabel("The link").fill(link.replace(relay.url, world.url));
    await phone.button("Next").click();
    await phone.page.getByText("belongs to another server", { exact: false }).waitFor();
    await phone.page.goto(link);
    await phone.page.waitForURL(`${relay.url}/field/`);
    await phone.page.getByLabel("PIN or passphrase").fill(PIN);
    await phone.page.getByLabel("The same once more").fill("111111");
    await phone.button("Set up").click();
    await phone.page.getByText("The two are not the same.", { exact: false }).waitFor();
    await phone.page.getByLabel("PIN or passphrase").fill("123456");
    await phone.page.getByLabel("The same once more").fill("123456");
    await phone.button("Set up").click();
    await phone.page.getByText("too easy to guess", { exact: false }).waitFor();
    assert.deepEqual(relay.seen.filter((path) => path.startsWith("/api")), [], "nothing was asked of the server");
    await phone.page.goBack().catch(() => undefined);
    assert.ok(!phone.page.url().includes("c="), "the code is not in the history");
    await phone.enrol(link);
  });

  await step("a sync that is cut in the middle goes on, and nothing is there twice", async () => {
    await write("Poipet");
    await phone.closeInterview();
    relay.cutAfter("/sync/v1/exchange", 40);
    await phone.sync();
    assert.match(await phone.status(), /^1 not copied$/);
    const stored = await world.jsonLines("small");
    assert.equal(stored.length, 1);
    assert.ok(JSON.stringify(stored).includes("Poipet"));
  });

  await step("a server that is away loses nothing, and the phone says so", async () => {
    await world.kill();
    await phone.goToList();
    await write("Aranyaprathet");
    await phone.closeInterview();
    await phone.sync();
    await phone.page.getByText("The server cannot be reached.", { exact: false }).waitFor();
    assert.match(await phone.status(), /1 not on the server/);
  });

  await step("a new version waits while an interview is open, takes over when asked to, and keeps unsent work", async () => {
    await world.serve();
    await phone.goToList();
    await phone.openInterview("Aranyaprathet");
    await phone.text("/data/told", "before the update");
    relay.newVersion("next");
    await phone.page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
    await phone.page.waitForFunction(async () => (await navigator.serviceWorker.getRegistration()).waiting !== null);
    await phone.saved();
    await phone.closeInterview();
    await phone.page.evaluate(() => (window.same = true));
    await phone.button("Use it now").click();
    await phone.page.waitForFunction(() => window.same === undefined);
    await phone.unlock();
    await phone.list();
    await phone.openInterview("Aranyaprathet");
    assert.equal(await phone.question("/data/told").locator("input").inputValue(), "before the update");
    await phone.closeInterview();
    const caching = await phone.page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("app-")));
    assert.deepEqual(caching, ["app-next"]);
    const kept = await phone.page.evaluate(async () => {
      const urls = [];
      for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) urls.push(new URL(request.url).pathname);
      return urls;
    });
    assert.ok(kept.length > 5 && kept.every((path) => path.startsWith("/field/")), kept.join());
  });

  await step("two tabs: one profile is open in one of them", async () => {
    const other = await phone.context.newPage();
    phone.watch(other);
    await other.goto(`${relay.url}/field/`);
    await other.getByLabel("PIN or passphrase").fill(PIN);
    await other.locator("form.unlock button[type=submit]").click();
    await other.getByText("open in another window", { exact: false }).waitFor();
    await other.getByRole("button", { name: "Open here and lock it there" }).click();
    await other.getByRole("heading", { name: "Interviews", exact: true }).waitFor();
    await phone.page.getByRole("heading", { name: "Open", exact: true }).waitFor();
    await other.close();
  });

  await step("wrong PINs wait longer and longer, and a reload is no way round", async () => {
    await phone.open(relay.url);
    for (const wrong of ["739165", "739166", "739167", "739168", "739169"]) {
      await phone.unlock(wrong);
      await phone.page.getByText("This is not the right PIN", { exact: false }).waitFor();
    }
    await phone.page.getByText(/Wait \d+ seconds/).waitFor();
    await phone.page.reload();
    await phone.page.getByText(/Wait \d+ seconds/).waitFor();
  });

  assert.deepEqual(phone.complaints, []);
});

test("where the browser refuses to store, the app says so", async () => {
  const other = await Phone.make();
  try {
    await other.context.addInitScript(() => {
      Object.defineProperty(globalThis, "indexedDB", { get: () => { throw new DOMException("no", "SecurityError"); } });
    });
    await other.open(world.url);
    await other.page.getByText("does not let the app store anything", { exact: false }).waitFor();
  } finally {
    await other.end();
  }
});
