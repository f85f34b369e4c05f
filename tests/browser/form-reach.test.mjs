// Who can reach the interview: screen readers (axe), the keyboard alone, a narrow screen, large letters, thumbs.
//
// Not here: the app's own pages.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, afterEach, before, test } from "node:test";

import { Desk, record } from "./lab.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/data/about/who", "/data/times/born", "/data/choices/agree", "/data/others/best", "/data/others/place", "/data/members", "/data/nkids", "end"];

const desk = new Desk();
before(() => desk.start({ width: 320, height: 640 }));
after(() => desk.stop());
afterEach(() => assert.deepEqual(desk.complaints.splice(0), [], "the page complained"));

const full = () =>
  record(
    {
      [desk.key("/data/about/who")]: [[{ text: "Sokha" }, "Dara"], [{ text: "Sok" }, "Linh"]],
      [desk.key("/data/about/age")]: { int: 150 },
      [desk.key("/data/choices/provinces")]: { codes: ["p1", "p2", "p3"] },
      [desk.key("/data/choices/country")]: { code: "LA" },
      [desk.key("/data/choices/city")]: { code: "pp" },
      [desk.rowKey("/data/members", "00000000000000aa", "/data/members/m_name")]: { text: "Averyveryverylongnamewithoutanyspaceinit" },
    },
    [desk.row("/data/members", "00000000000000aa", "A")],
  );

test("axe finds nothing, on any page, with mistakes shown", async () => {
  for (const language of ["en", "km"]) {
    await desk.open({ record: full(), language });
    for (const path of PAGES) {
      await desk.go(path);
      if (path !== "end") await desk.page.locator(".next").click();
      if (path !== "end") await desk.go(path);
      await desk.page.evaluate(axe);
      const found = await desk.page.evaluate(async () => {
        const { violations } = await globalThis.axe.run(document.querySelector(".form"), { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { region: { enabled: false }, "page-has-heading-one": { enabled: false }, "landmark-one-main": { enabled: false }, "target-size": { enabled: false } } });
        return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3).join(" | ")}`);
      });
      assert.deepEqual(found, [], `${path} in ${language}`);
    }
  }
});

test("at 320 px, and with letters twice as large, nothing has to be moved sideways", async () => {
  await desk.open({ record: full(), language: "my" });
  for (const size of ["100%", "200%"]) {
    await desk.page.evaluate((s) => (document.documentElement.style.fontSize = s), size);
    for (const path of PAGES) {
      await desk.go(path);
      const wide = await desk.page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const over = [...document.querySelectorAll(".form *")].filter((e) => !e.closest(".voice, .unseen, .contents") && !e.matches(".file, .behind") && e.getBoundingClientRect().right > width + 1 && e.getClientRects().length > 0);
        return { scroll: document.documentElement.scrollWidth - width, over: over.map((e) => `${e.tagName}.${e.className}`).slice(0, 5) };
      });
      assert.deepEqual(wide, { scroll: 0, over: [] }, `${path} at ${size}`);
    }
  }
  await desk.page.evaluate(() => (document.documentElement.style.fontSize = ""));
});

test("whatever is tapped is 48 px high", async () => {
  await desk.open({ record: full() });
  for (const path of PAGES) {
    await desk.go(path);
    const small = await desk.page.evaluate(() =>
      [...document.querySelectorAll(".form :is(button, select, textarea, summary, .pick, .choice, input:not([type=radio], [type=checkbox], .file, .behind))")]
        .filter((e) => e.getClientRects().length > 0 && e.getBoundingClientRect().height < 47.5)
        .map((e) => `${e.tagName}.${e.className} ${e.getBoundingClientRect().height}`),
    );
    assert.deepEqual(small, [], path);
  }
});

test("an interview is done with the keyboard alone", async () => {
  await desk.open();
  const { keyboard } = desk.page;
  const until = async (what) => {
    for (let i = 0; i < 60; i++) {
      await keyboard.press("Tab");
      const at = await desk.page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
      if (at === what) return;
    }
    assert.fail(`the keyboard does not come to ${what}`);
  };
  await desk.question("/data/about/who").locator("input").focus();
  await keyboard.type("Dara");
  await until("Next");
  await keyboard.press("Enter");
  await desk.page.getByRole("heading", { name: "Times" }).waitFor();
  assert.equal(await desk.page.evaluate(() => document.activeElement?.tagName), "H2");
  await until("Next");
  await keyboard.press("Enter");
  await desk.page.getByRole("heading", { name: "Choices" }).waitFor();
  await keyboard.press("Tab");
  await keyboard.press("Space");
  assert.equal(await desk.question("/data/choices/agree").getByLabel("Yes").isChecked(), true);
  await keyboard.press("ArrowDown");
  assert.equal(await desk.question("/data/choices/agree").getByLabel("No").isChecked(), true);
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/choices/agree")], { code: "no" });
});

test("every question has a name, and its hint and mistake are read with it", async () => {
  await desk.open();
  await desk.page.locator(".next").click();
  const input = desk.page.getByRole("textbox", { name: /What may we call you/ });
  assert.equal(await input.getAttribute("aria-invalid"), "true");
  const described = await input.evaluate((e) => e.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id)?.textContent).join(" "));
  assert.match(described, /Not the real name\.[\s\S]*Please answer this question\./);
  await desk.go("/data/choices/agree");
  await desk.page.getByRole("group", { name: "Do you agree?" }).waitFor();
});
