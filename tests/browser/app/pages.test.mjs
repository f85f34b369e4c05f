// Every page at 320 pixels: found by axe to be usable, nothing wider than the screen, and pictures in all languages in target/browser.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { Phone, PIN } from "./phone.mjs";
import { pictures } from "./steps.mjs";
import { World } from "./world.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LANGUAGES = ["en", "km", "lo", "my", "th", "vi", "zh-Hans"];
let world, phone;

before(async () => {
  await mkdir(pictures, { recursive: true });
  world = await World.start();
  await world.publish();
  phone = await Phone.make({ width: 320 });
  await phone.open(world.url);
});
after(async () => {
  await phone?.end();
  await world?.stop();
});

/** The page as it is: usable, and not wider than the screen. */
async function sound(name) {
  const { page } = phone;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
  // Past the policy of the page, as a tool of the browser.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const said = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join("; ")}`);
  assert.deepEqual(said, [], name);
}

/** Pictures in every language, without leaving the page. */
async function picture(name) {
  const { page } = phone;
  for (const language of LANGUAGES) {
    await speak(language);
    await page.waitForFunction((l) => document.documentElement.lang === l, language);
    await page.screenshot({ path: `${pictures}${name}-${language}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} in ${language} is ${wide} pixels too wide`);
  }
  await speak("en");
}

/** As another tab would tell it. */
async function speak(language) {
  await phone.page.evaluate((newValue) => dispatchEvent(new StorageEvent("storage", { key: "language", newValue })), language);
}

test("every page is usable at 320 pixels", async (t) => {
  const look = (name) => t.test(name, async () => {
    await sound(name);
    await picture(name);
  });
  const { page } = phone;
  await page.getByRole("heading", { name: "Set up this phone" }).waitFor();
  await look("paste");
  await page.goto(await world.link(await world.worker("ដារា")));
  await page.getByLabel("The same once more").waitFor();
  await look("enrol");
  await page.getByLabel("PIN or passphrase").fill(PIN);
  await page.getByLabel("The same once more").fill(PIN);
  await phone.button("Set up").click();
  await page.getByRole("heading", { name: "This phone is set up" }).waitFor();
  await look("done");
  await phone.button("Start").click();
  await phone.list();
  await phone.newInterview();
  await look("interview");
  await phone.choose("/data/opening/interview_language", "Khmer");
  await phone.choose("/data/opening/setting_private", "Yes");
  await phone.choose("/data/opening/immediate_danger", "No");
  await phone.button("Next").click();
  await phone.choose("/data/consent/age_class", "Adult, 18 or older");
  await phone.choose("/data/consent/consent_store", "Yes, agrees");
  await phone.saved();
  await phone.closeInterview();
  await look("list");
  for (const name of ["Sync", "Settings", "Help"]) {
    await page.getByRole("navigation").getByRole("button", { name, exact: true }).click();
    await page.getByRole("heading", { name, exact: true, level: 1 }).waitFor();
    await look(name.toLowerCase());
  }
  await page.getByRole("navigation").getByRole("button", { name: "Sync", exact: true }).click();
  await phone.button("Empty this phone").click();
  await page.getByText("This keeps the phone from being emptied:").waitFor();
  await look("empty");
  await page.getByRole("navigation").getByRole("button", { name: "Lock", exact: true }).click();
  await page.getByRole("heading", { name: "Open", exact: true }).waitFor();
  await look("unlock");
  assert.deepEqual(phone.complaints, []);
});
