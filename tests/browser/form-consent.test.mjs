// Consent before content: until consent to store is given nothing leaves the page; a refusal leaves a count and nothing else.
//
// Not here: what the server does with records whose consent was taken back.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { Desk, record } from "./lab.mjs";

const FORM = `<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:trib="https://tributary.invalid/xforms"><h:head><h:title>Consent</h:title><model>
  <instance><data id="consent"><said/><consent/><photo/></data></instance>
  <bind nodeset="/data/said" type="string"/><bind nodeset="/data/photo" type="binary"/>
  <bind nodeset="/data/consent" type="string" trib:policy="protective(not_asked given refused withdrawn)" trib:consent="given"/></model></h:head><h:body>
  <input ref="/data/said"><label>What was said</label></input>
  <select1 ref="/data/consent"><label>May we keep it?</label>
    <item><label>Not asked</label><value>not_asked</value></item><item><label>Agrees</label><value>given</value></item>
    <item><label>Refuses</label><value>refused</value></item><item><label>Took it back</label><value>withdrawn</value></item></select1>
  <upload ref="/data/photo" mediatype="image/*"><label>Photo</label></upload></h:body></h:html>`;

const desk = new Desk();
before(() => desk.start());
after(() => desk.stop());
afterEach(() => assert.deepEqual(desk.complaints.splice(0), [], "the page complained"));

const say = (text) => desk.question("/data/said").locator("input").fill(text);
const answer = (label) => desk.question("/data/consent").getByLabel(label).click();
const leave = () => desk.page.evaluate(() => globalThis.dispatchEvent(new Event("pagehide")));

test("before consent nothing is saved, not even when the page is left", async () => {
  await desk.open({}, FORM);
  await say("something");
  await answer("Not asked");
  await leave();
  await desk.flush();
  assert.deepEqual(await desk.saves(), []);
  await desk.page.getByText("Nothing is kept before the person agrees.").waitFor();
  await answer("Agrees");
  await desk.flush();
  assert.deepEqual(await desk.written(), { f1: { text: "something" }, f2: { code: "given" } });
  assert.equal((await desk.saves()).length, 1);
});

test("a refusal, once confirmed, drops everything and is counted", async () => {
  await desk.open({}, FORM);
  await say("something");
  await answer("Refuses");
  await desk.page.getByRole("button", { name: "Yes, drop everything" }).click();
  await desk.page.getByText("No answer was stored.").waitFor();
  await leave();
  await desk.flush();
  assert.deepEqual(await desk.saves(), []);
  const left = await desk.page.evaluate(() => ({ refusals: globalThis.lab.refusals, pending: globalThis.lab.form.pending().size, text: document.body.innerText }));
  assert.equal(left.refusals, 1);
  assert.equal(left.pending, 0);
  assert.ok(!left.text.includes("something"));
});

test("a slip is no refusal", async () => {
  await desk.open({}, FORM);
  await say("something");
  await answer("Refuses");
  await desk.page.getByRole("button", { name: "No, go back" }).click();
  assert.equal(await desk.question("/data/consent").locator("input:checked").count(), 0);
  await answer("Agrees");
  await desk.flush();
  assert.deepEqual(await desk.written(), { f1: { text: "something" }, f2: { code: "given" } });
  assert.equal(await desk.page.evaluate(() => globalThis.lab.refusals), 0);
});

test("a file waits for consent too", async () => {
  await desk.open({}, FORM);
  await desk.question("/data/photo").locator("input").setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from("x") });
  await desk.question("/data/photo").getByText("Nothing is kept before the person agrees.").waitFor();
  assert.equal(await desk.page.evaluate(() => globalThis.lab.stored()), 0);
});

test("consent that was taken back is saved, and nothing else until it is given again", async () => {
  await desk.open({ record: record({ f1: { text: "something" }, f2: { code: "given" } }) }, FORM);
  await answer("Took it back");
  await say("more");
  await desk.flush();
  assert.deepEqual(await desk.written(), { f2: { code: "withdrawn" } });
  assert.equal(await desk.page.evaluate(() => globalThis.lab.form.pending().size), 1);
  await answer("Agrees");
  await desk.flush();
  assert.deepEqual(await desk.written(), { f1: { text: "more" }, f2: { code: "given" } });
});

test("one answer of several that is no consent keeps everything back", async () => {
  await desk.open({ record: record({ f1: { text: "something" }, f2: [[{ code: "given" }, "Dara"], [{ code: "withdrawn" }, "Linh"]] }) }, FORM);
  await say("more");
  await desk.flush();
  assert.deepEqual(await desk.saves(), []);
  await desk.question("/data/consent").getByRole("button", { name: /^Agrees /i }).click();
  await desk.flush();
  assert.deepEqual(await desk.written(), { f1: { text: "more" }, f2: { code: "given" } });
});
