// The traps that lose answers, each seen to do so: the interview in a browser, the record in the page (field/test/form.ts).
//
// Not here: what the pages do for a person (form-pages.test.mjs), consent (form-consent.test.mjs).

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { Desk, record } from "./lab.mjs";

const desk = new Desk();
before(() => desk.start());
after(() => desk.stop());
afterEach(() => assert.deepEqual(desk.complaints.splice(0), [], "the page complained"));

const ROW_A = "00000000000000aa";
const ROW_B = "00000000000000bb";

test("relevance that hides an answer writes nothing, and the answer comes back", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/age")]: { int: 12 }, [desk.key("/data/about/guardian")]: { text: "Aunt" } }) });
  await desk.go("/data/about/age");
  await desk.question("/data/about/age").locator("input").fill("40");
  assert.ok(await desk.question("/data/about/guardian").isHidden());
  await desk.flush();
  assert.equal((await desk.written())[desk.key("/data/about/guardian")], undefined);
  await desk.question("/data/about/age").locator("input").fill("12");
  assert.equal(await desk.question("/data/about/guardian").locator("input").inputValue(), "Aunt");
  await desk.flush();
  assert.equal((await desk.written())[desk.key("/data/about/guardian")], undefined);
});

test("an answer that is hidden when the record is opened is still there when it shows", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/age")]: { int: 40 }, [desk.key("/data/about/guardian")]: { text: "Aunt" } }) });
  await desk.go("/data/about/age");
  await desk.question("/data/about/age").locator("input").fill("9");
  assert.equal(await desk.question("/data/about/guardian").locator("input").inputValue(), "Aunt");
});

test("looking at a record writes nothing", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/age")]: { int: 40 }, [desk.key("/data/about/who")]: { text: "Dara" } }) });
  for (const path of ["/data/times/born", "/data/choices/agree", "/data/others/best", "/data/members"]) await desk.go(path);
  await desk.page.evaluate(() => globalThis.lab.form.setLanguage("km"));
  await desk.flush();
  assert.deepEqual(await desk.saves(), []);
});

test("twenty keystrokes are one change", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/draw")]: { text: "0.5" } }) });
  await desk.page.clock.install({ time: 0 });
  await desk.page.clock.pauseAt(1000);
  await desk.go("/data/about/story");
  await desk.question("/data/about/story").locator("textarea").pressSequentially("twenty key presses!!");
  assert.deepEqual(await desk.saves(), []);
  await desk.page.clock.runFor(399);
  assert.deepEqual(await desk.saves(), []);
  await desk.page.clock.runFor(1);
  await desk.page.waitForFunction(() => globalThis.lab.saves.length > 0);
  const all = await desk.saves();
  assert.equal(all.length, 1);
  const mine = all[0].writes.filter(([k]) => k === desk.key("/data/about/story"));
  assert.deepEqual(mine, [[desk.key("/data/about/story"), { text: "twenty key presses!!" }]]);
  await desk.begin();
});

test("what was typed is saved when the page is left", async () => {
  await desk.open();
  // No clock runs, so no rest of the fingers saves it.
  await desk.page.clock.install({ time: 0 });
  await desk.page.clock.pauseAt(1000);
  await desk.question("/data/about/who").locator("input").fill("Dara");
  assert.deepEqual(await desk.saves(), []);
  await desk.page.evaluate(() => globalThis.dispatchEvent(new Event("pagehide")));
  assert.deepEqual((await desk.written())[desk.key("/data/about/who")], { text: "Dara" });
  await desk.begin();
});

test("calculations are no edits; what once() drew is kept, and all of them are at the end", async () => {
  await desk.open();
  await desk.question("/data/about/who").locator("input").fill("Dara");
  await desk.question("/data/about/age").locator("input").fill("21");
  await desk.flush();
  const first = await desk.written();
  assert.equal(first[desk.key("/data/about/twice")], undefined);
  assert.equal(typeof first[desk.key("/data/about/draw")].text, "string");
  assert.match(first[desk.key("/data/start")].datetime, /[+]07:00$/);
  assert.equal(first[desk.key("/data/end")], undefined);
  await desk.go("end");
  await desk.page.locator(".next").click();
  await desk.page.waitForFunction(() => globalThis.lab.finished === 1);
  const last = await desk.written();
  assert.deepEqual(last[desk.key("/data/about/twice")], { text: "42" });
  assert.deepEqual(last[desk.key("/data/about/draw")], first[desk.key("/data/about/draw")]);
  assert.match(last[desk.key("/data/end")].datetime, /[+]07:00$/);
  assert.deepEqual(last["m.status"], { code: "complete" });
  for (const path of Object.keys(desk.ids).filter((p) => p.includes("/meta/"))) assert.equal(last[desk.key(path)], undefined);
});

test("what the form begins with is shown, saved with the first change, and can be cleared", async () => {
  await desk.open();
  assert.equal(await desk.question("/data/about/colour_default").locator("input").inputValue(), "blue");
  await desk.question("/data/about/who").locator("input").fill("Dara");
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/about/colour_default")], { text: "blue" });
  assert.deepEqual((await desk.written())[desk.key("/data/about/copied")], { text: "Dara!" });
  await desk.open();
  await desk.question("/data/about/colour_default").locator("input").fill("");
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/about/colour_default")], { null: true });
});

test("rows keep their ids when one is removed, and the order when one is added", async () => {
  const [m, name] = ["/data/members", "/data/members/m_name"];
  await desk.open({ record: record({ [desk.rowKey(m, ROW_A, name)]: { text: "Sok" }, [desk.rowKey(m, ROW_B, name)]: { text: "Nary" } }, [desk.row(m, ROW_A, "A"), desk.row(m, ROW_B, "B")]) });
  await desk.go(m);
  const cards = desk.page.locator(".repeat >> nth=0").locator("> .rows > details");
  assert.equal(await cards.count(), 2);
  await cards.nth(0).locator("> summary").click();
  await cards.nth(0).getByRole("button", { name: /^Remove Member 1/ }).click();
  await desk.page.getByRole("button", { name: "No, keep it" }).click();
  assert.equal(await cards.count(), 2);
  await cards.nth(0).getByRole("button", { name: /^Remove Member 1/ }).click();
  await desk.page.getByRole("button", { name: "Yes, remove" }).click();
  assert.equal(await cards.count(), 1);
  await cards.nth(0).locator(`[data-path="${name}"] input`).fill("Nary Chan");
  await desk.page.getByRole("button", { name: "+ Add: Member" }).click();
  await cards.nth(1).locator(`[data-path="${name}"] input`).fill("Vuth");
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.rowKey(m, ROW_A)], { deleted: true });
  assert.equal(all[desk.rowKey(m, ROW_A, name)], undefined);
  assert.deepEqual(all[desk.rowKey(m, ROW_B, name)], { text: "Nary Chan" });
  const added = Object.entries(all).find(([, v]) => v.text === "Vuth");
  const id = /\.([0-9a-f]{16})\./.exec(added[0])[1];
  assert.ok(![ROW_A, ROW_B].includes(id));
  assert.deepEqual(all[desk.rowKey(m, id)], { row: "C" });
});

test("a row's id is the hash of what the form drew, and rows inside name the row around them", async () => {
  await desk.open();
  await desk.go("/data/members");
  await desk.question("/data/members/pets/pet").locator("input").fill("Cat");
  await desk.flush();
  const { writes, outer, inner } = await desk.page.evaluate(async () => {
    const { form } = globalThis.lab.form.session.given;
    const of = async (path) => {
      const text = [...form.all()].find((n) => n.path === path).text;
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
      return [...hash.slice(0, 8)].map((b) => b.toString(16).padStart(2, "0")).join("");
    };
    return { writes: globalThis.lab.saves[0].writes, outer: await of("/data/members/trib_row"), inner: await of("/data/members/pets/trib_row") };
  });
  const all = Object.fromEntries(writes);
  assert.deepEqual(all[desk.rowKey("/data/members", outer)], { row: "A" });
  assert.deepEqual(all[desk.rowKey("/data/members/pets", inner)], { row: `${outer}/A` });
  assert.deepEqual(all[desk.rowKey("/data/members/pets", inner, "/data/members/pets/pet")], { text: "Cat" });
});

test("rows that a count hides are not deleted, and come back with their answers", async () => {
  const [k, kid] = ["/data/kids", "/data/kids/kid"];
  await desk.open({ record: record({ [desk.key("/data/nkids")]: { int: 2 }, [desk.rowKey(k, ROW_A, kid)]: { text: "Bopha" }, [desk.rowKey(k, ROW_B, kid)]: { text: "Rith" } }, [desk.row(k, ROW_A, "A"), desk.row(k, ROW_B, "B")]) });
  await desk.go("/data/nkids");
  await desk.question("/data/nkids").locator("input").fill("1");
  await desk.question("/data/nkids").locator("input").fill("2");
  await desk.flush();
  assert.deepEqual(Object.keys(await desk.written()).filter((x) => x.startsWith(`g${desk.ids[k]}.`)), []);
  await desk.go(k);
  const cards = desk.page.locator(".repeat details");
  await cards.nth(1).evaluate((e) => (e.open = true));
  assert.equal(await cards.nth(1).locator("input").inputValue(), "Rith");
  await cards.nth(1).locator("input").fill("Rithy");
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.rowKey(k, ROW_B, kid)], { text: "Rithy" });
});

test("a row that a count takes away and gives back is the same row", async () => {
  const [k, kid] = ["/data/kids", "/data/kids/kid"];
  await desk.open();
  await desk.go("/data/nkids");
  await desk.question("/data/nkids").locator("input").fill("2");
  await desk.go(k);
  const cards = desk.page.locator(".repeat details");
  await cards.nth(1).evaluate((e) => (e.open = true));
  await cards.nth(1).locator("input").fill("Rith");
  await desk.flush();
  const [made] = Object.keys(await desk.written()).filter((x) => x.startsWith(`g${desk.ids[k]}.`) && x.endsWith(`.f${desk.ids[kid]}`));
  await desk.go("/data/nkids");
  await desk.question("/data/nkids").locator("input").fill("1");
  await desk.question("/data/nkids").locator("input").fill("2");
  await desk.go(k);
  await cards.nth(1).evaluate((e) => (e.open = true));
  assert.equal(await cards.nth(1).locator("input").inputValue(), "Rith");
  await cards.nth(1).locator("input").fill("Rithy");
  await desk.flush();
  assert.deepEqual((await desk.written())[made], { text: "Rithy" });
});

test("a conflict shows both answers with who and when, and one tap takes one", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/who")]: [[{ text: "Sokha" }, "Dara"], [{ text: "Sok" }, "Linh"]], [desk.key("/data/about/draw")]: { text: "1" } }) });
  const box = desk.question("/data/about/who").locator(".conflict");
  assert.match(await box.innerText(), /Sokha[\s\S]*Dara, .*2026[\s\S]*Sok[\s\S]*Linh, .*2026/);
  await box.getByRole("button", { name: /^Sok /i }).click();
  assert.equal(await desk.question("/data/about/who").locator("input").inputValue(), "Sok");
  await desk.flush();
  const [save] = await desk.saves();
  assert.deepEqual(save.writes.find(([k]) => k === desk.key("/data/about/who")), [desk.key("/data/about/who"), { text: "Sok" }]);
  assert.deepEqual(save.shown, [desk.key("/data/about/who")]);
  assert.ok(await box.isHidden());
});

test("the answer that already stands ends a conflict too, when it is taken", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/who")]: [[{ text: "Sokha" }, "Dara"], [{ text: "Sok" }, "Linh"]] }) });
  await desk.question("/data/about/who").getByRole("button", { name: /^Sokha /i }).click();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/about/who")], { text: "Sokha" });
});

test("both answers may be left to the coordinator", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/who")]: [[{ text: "Sokha" }, "Dara"], [{ text: "Sok" }, "Linh"]] }) });
  await desk.page.getByRole("button", { name: "Leave both to the coordinator" }).click();
  await desk.page.getByText("Both answers stay for the coordinator.").waitFor();
  await desk.flush();
  assert.deepEqual(await desk.saves(), []);
});

test("an answer that conflicts where nobody saw it is not written over", async () => {
  await desk.open({ record: record({ [desk.key("/data/about/copied")]: [[{ text: "Sokha!" }, "Dara"], [{ text: "Sok!" }, "Linh"]] }) });
  await desk.go("/data/times/born");
  await desk.page.evaluate(() => {
    const { session } = globalThis.lab.form;
    session.type([...session.given.form.all()].find((n) => n.path === "/data/about/who"), "Rith");
  });
  // It was on the screen while the first page was; a new session has not seen it.
  await desk.flush();
  const all = await desk.saves();
  const wrote = all.find((s) => s.writes.some(([k]) => k === desk.key("/data/about/copied")));
  assert.ok(wrote === undefined || wrote.shown.includes(desk.key("/data/about/copied")));
  await desk.open({ record: record({ [desk.key("/data/others/card")]: [[{ text: "1" }, "Dara"], [{ text: "2" }, "Linh"]] }) });
  await desk.page.evaluate(() => {
    const { session } = globalThis.lab.form;
    session.type([...session.given.form.all()].find((n) => n.path === "/data/others/card"), "3");
  });
  await desk.flush();
  assert.equal((await desk.written())[desk.key("/data/others/card")], undefined);
  await desk.go("/data/others/card");
  await desk.question("/data/others/card").waitFor();
  await desk.flush();
  assert.deepEqual((await desk.written())[desk.key("/data/others/card")], { text: "3" });
});

test("a save that fails keeps the answers and is tried again", async () => {
  await desk.open();
  await desk.page.evaluate(() => (globalThis.lab.fails = { code: undefined }));
  await desk.question("/data/about/who").locator("input").fill("Dara");
  await desk.flush();
  await desk.page.getByText("Could not save.").waitFor();
  await desk.page.evaluate(() => (globalThis.lab.fails = undefined));
  await desk.flush();
  await desk.page.getByText("Saved on this phone").waitFor();
  assert.deepEqual((await desk.written())[desk.key("/data/about/who")], { text: "Dara" });
});

test("what the core refuses goes back to what stood, and the rest is saved", async () => {
  await desk.open({ record: record({ [desk.key("/data/choices/agree")]: { code: "yes" } }) });
  await desk.page.evaluate((k) => (globalThis.lab.fails = { code: "needs_decision", key: k }), desk.key("/data/choices/agree"));
  await desk.go("/data/choices/agree");
  await desk.question("/data/choices/agree").getByLabel("No").check();
  await desk.question("/data/choices/fruit").getByLabel("Durian").check();
  await desk.flush();
  await desk.page.evaluate(() => (globalThis.lab.fails = undefined));
  await desk.page.getByText("Only a coordinator can take this back.").waitFor();
  assert.ok(await desk.question("/data/choices/agree").getByLabel("Yes").isChecked());
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.key("/data/choices/fruit")], { codes: ["durian"] });
  assert.equal(all[desk.key("/data/choices/agree")], undefined);
});

test("a row whose removal the core refuses stands again, with what is in it", async () => {
  const [m, name, pets, pet] = ["/data/members", "/data/members/m_name", "/data/members/pets", "/data/members/pets/pet"];
  const answers = { [desk.rowKey(m, ROW_A, name)]: { text: "Sok" }, [desk.rowKey(pets, ROW_B, pet)]: { text: "Cat" } };
  await desk.open({ record: record(answers, [desk.row(m, ROW_A, "A"), { ...desk.row(pets, ROW_B, "A"), parent: ROW_A }]) });
  await desk.go(m);
  await desk.page.evaluate((k) => (globalThis.lab.fails = { code: "needs_decision", key: k }), desk.rowKey(m, ROW_A, name));
  await desk.page.getByRole("button", { name: /^Remove Member 1/ }).click();
  await desk.page.getByRole("button", { name: "Yes, remove" }).click();
  await desk.flush();
  await desk.page.getByText("Only a coordinator can take this back.").waitFor();
  await desk.page.evaluate(() => (globalThis.lab.fails = undefined));
  const card = desk.page.locator(".repeat >> nth=0").locator("> .rows > details");
  await card.evaluate((e) => (e.open = true));
  await desk.question(name).locator("input").fill("Sokha");
  assert.deepEqual(await desk.question(pet).locator("input").evaluateAll((all) => all.map((e) => e.value).filter((v) => v !== "")), ["Cat"]);
  await desk.flush();
  const all = await desk.written();
  assert.deepEqual(all[desk.rowKey(m, ROW_A, name)], { text: "Sokha" });
  assert.equal(all[desk.rowKey(m, ROW_A)], undefined);
});
