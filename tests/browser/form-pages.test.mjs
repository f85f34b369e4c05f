// What the pages of an interview do for a tired person with a small phone: kinds of questions, mistakes, languages, reach.
//
// Not here: the traps that lose answers (form.test.mjs).

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { Desk, record } from "./lab.mjs";

const desk = new Desk();
before(() => desk.start());
after(() => desk.stop());
afterEach(() => assert.deepEqual(desk.complaints.splice(0), [], "the page complained"));

test("a number too large for the form's own checks is kept as it was typed", async () => {
  await desk.open();
  await desk.question("/data/about/age").locator("input").fill("85512345678");
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/about/age")], { int: 85512345678 });
  assert.equal(await desk.question("/data/about/age").locator("input").inputValue(), "85512345678");
});

test("a text that is no number is told, not saved, and not lost", async () => {
  await desk.open();
  const age = desk.question("/data/about/age");
  await age.locator("input").fill("12a");
  await age.locator("input").blur();
  await age.getByText("Please write a number.").waitFor();
  assert.equal(await age.locator("input").getAttribute("aria-invalid"), "true");
  assert.equal(await age.locator("input").inputValue(), "12a");
  await desk.flush();
  assert.equal((await desk.written())[desk.key("/data/about/age")], undefined);
});

test("a Buddhist year becomes the common one, and both are shown", async () => {
  await desk.open();
  await desk.go("/data/times/born");
  await desk.question("/data/times/born").locator("input.day").fill("31/3/2569");
  assert.match(await desk.question("/data/times/born").locator(".became").innerText(), /Buddhist year 2569 is 31 March 2026/);
  await desk.question("/data/times/met").locator("input.day").fill("1.4.2026");
  await desk.question("/data/times/met").locator("input[type=time]").fill("16:30");
  await desk.question("/data/times/month").locator("input").fill("3/2569");
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.key("/data/times/born")], { date: "2026-03-31" });
  assert.deepEqual(all[desk.key("/data/times/met")], { datetime: "2026-04-01T16:30:00.000+07:00" });
  assert.deepEqual(all[desk.key("/data/times/month")], { date: "2026-03-01" });
});

test("the language changes in the middle, and nothing is lost", async () => {
  await desk.open();
  await desk.question("/data/about/who").locator("input").fill("Dara");
  await desk.question("/data/about/age").locator("input").fill("130");
  await desk.question("/data/about/age").locator("input").blur();
  await desk.page.locator(".language").selectOption("Khmer (km)");
  assert.match(await desk.question("/data/about/who").innerText(), /តើយើងអាចហៅអ្នកថាអ្វី/);
  assert.equal(await desk.question("/data/about/who").locator("input").inputValue(), "Dara");
  assert.equal(await desk.question("/data/about/age").locator("input").inputValue(), "130");
  // The message has no Khmer: the form's own language speaks.
  await desk.question("/data/about/age").getByText("From 0 to 120.").waitFor();
  assert.equal(await desk.page.locator(".page").getAttribute("lang"), "km");
  assert.match(await desk.question("/data/about/age").innerText(), /អាយុរបស់ Dara/);
});

test("next stops at a mistake, puts the cursor there and says so; what is only missing may stay missing", async () => {
  await desk.open();
  await desk.question("/data/about/age").locator("input").fill("130");
  await desk.page.locator(".next").click();
  await desk.page.getByText("2 answers on this page need another look.").waitFor();
  assert.ok(await desk.question("/data/about/who").locator("input").evaluate((e) => e === document.activeElement));
  await desk.page.locator(".next").click();
  assert.ok(await desk.question("/data/about/who").isVisible());
  await desk.question("/data/about/age").locator("input").fill("13");
  await desk.page.locator(".next").click();
  await desk.page.getByRole("button", { name: "Go on without these answers" }).click();
  await desk.page.getByRole("heading", { name: "Times" }).waitFor();
  await desk.go("end");
  await desk.page.locator(".next").click();
  await desk.question("/data/about/who").waitFor();
  assert.equal(await desk.page.evaluate(() => globalThis.lab.finished), 0);
});

test("a cascading choice that no longer fits is shown as recorded, and stays until somebody clears it", async () => {
  await desk.open({ record: record({ [desk.key("/data/choices/country")]: { code: "KH" }, [desk.key("/data/choices/city")]: { code: "pp" } }) });
  await desk.go("/data/choices/country");
  await desk.question("/data/choices/country").locator("select").selectOption("LA");
  await desk.question("/data/choices/city").getByText("Recorded: Phnom Penh").waitFor();
  await desk.flush();
  assert.equal((await desk.written())[desk.key("/data/choices/city")], undefined);
  await desk.question("/data/choices/city").locator(".flag button").click();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/choices/city")], { null: true });
});

test("a long list is searched", async () => {
  await desk.open();
  await desk.go("/data/choices/province");
  const one = desk.question("/data/choices/province");
  await one.locator("input[type=search]").fill("siem");
  await one.getByLabel("Siem Reap").check();
  assert.match(await one.locator(".chips").innerText(), /Siem Reap/);
  const many = desk.question("/data/choices/provinces");
  await many.locator("input[type=search]").fill("kampong");
  await many.getByLabel("Kampong Thom").check();
  await many.getByLabel("Kampong Cham").check();
  await many.getByRole("button", { name: "Remove Kampong Thom" }).click();
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.key("/data/choices/province")], { code: "p20" });
  assert.deepEqual(all[desk.key("/data/choices/provinces")], { codes: ["p2"] });
});

test("choices are put in order by buttons alone", async () => {
  await desk.open();
  await desk.go("/data/others/best");
  const rank = desk.question("/data/others/best");
  await rank.getByRole("button", { name: "Durian: one up" }).focus();
  await desk.page.keyboard.press("Enter");
  await desk.page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Durian: one up");
  await desk.page.keyboard.press("Enter");
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/others/best")], { text: "durian mango banana" });
});

test("a photo goes to the store of attachments and the record names it", async () => {
  await desk.open();
  await desk.go("/data/others/photo");
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  await desk.question("/data/others/photo").locator("input").setInputFiles({ name: "x.png", mimeType: "image/png", buffer: png });
  await desk.question("/data/others/photo").locator("img").waitFor();
  await desk.flush();
  const { attachment } = (await desk.written())[desk.key("/data/others/photo")];
  assert.equal(attachment.size, png.length);
  assert.equal(attachment.type, "image/png");
  await desk.question("/data/others/photo").getByRole("button", { name: "Remove the file" }).click();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/others/photo")], { null: true });
});

test("the position is taken on a tap and never before", async () => {
  await desk.begin({ permissions: ["geolocation"] });
  await desk.context.setGeolocation({ latitude: 11.5625, longitude: 104.916, accuracy: 12 });
  await desk.page.evaluate(() => {
    const asked = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
    globalThis.asked = 0;
    navigator.geolocation.getCurrentPosition = (...all) => (globalThis.asked++, asked(...all));
  });
  await desk.open();
  await desk.go("/data/others/place");
  assert.equal(await desk.page.evaluate(() => globalThis.asked), 0);
  await desk.question("/data/others/place").getByRole("button", { name: "Take the position now" }).click();
  await desk.question("/data/others/place").getByText("within 12 m").waitFor();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/others/place")].geo.slice(0, 2), [115625000, 1049160000]);
  await desk.begin();
});

test("a record that changed meanwhile is shown as it is, and what was not saved is kept", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/who")]: { text: "Sokha" }, [desk.key("/data/about/weight")]: { int: 50 } }) });
  await desk.page.evaluate(() => (globalThis.lab.fails = { code: undefined }));
  await desk.question("/data/about/story").locator("textarea").fill("mine");
  const count = await desk.page.evaluate(([view]) => globalThis.lab.form.refresh(globalThis.lab.view(...view)), [record({ [desk.key("/data/about/who")]: { text: "Sok" }, [desk.key("/data/about/weight")]: { int: 50 } })]);
  await desk.page.evaluate(() => (globalThis.lab.fails = undefined));
  assert.equal(count, 1);
  assert.equal(await desk.question("/data/about/who").locator("input").inputValue(), "Sok");
  assert.equal(await desk.question("/data/about/story").locator("textarea").inputValue(), "mine");
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.key("/data/about/story")], { text: "mine" });
  assert.equal(all[desk.key("/data/about/who")], undefined);
});

test("several choices that conflict may be taken together", async () => {
  await desk.open({ record: record({ [desk.key("/data/choices/fruit")]: [[{ codes: ["mango"] }, "Dara"], [{ codes: ["durian"] }, "Linh"]] }) });
  await desk.go("/data/choices/fruit");
  await desk.question("/data/choices/fruit").getByRole("button", { name: "All of them together: Durian, Mango" }).click();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/choices/fruit")], { codes: ["durian", "mango"] });
});

test("Zawgyi is flagged beside the question and kept as it was typed", async () => {
  await desk.open();
  const typed = "\u1031\u1000\u103a\u1038\u1007\u1030\u1038\u1010\u1004\u1039";
  await desk.question("/data/about/story").locator("textarea").fill(typed);
  await desk.question("/data/about/story").getByText("written in Zawgyi").waitFor();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/about/story")], { text: typed });
  await desk.question("/data/about/story").locator("textarea").fill("ကျေးဇူးတင်ပါတယ်");
  await desk.question("/data/about/story").getByText("written in Zawgyi").waitFor({ state: "hidden" });
});

test("an interview cannot be ended while a needed answer is missing, and is when it is there", async () => {
  await desk.open();
  await desk.go("end");
  await desk.page.getByText("These questions still need an answer:").waitFor();
  await desk.page.locator(".links button").first().click();
  assert.ok(await desk.question("/data/about/who").locator("input").evaluate((e) => e === document.activeElement));
  await desk.question("/data/about/who").locator("input").fill("Dara");
  await desk.go("end");
  await desk.page.getByText("Everything that is needed is answered.").waitFor();
  await desk.page.getByRole("button", { name: "Finish the interview" }).click();
  await desk.page.waitForFunction(() => globalThis.lab.finished === 1);
});
