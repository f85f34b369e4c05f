// Measures the interview at four times slower CPU: `node measure-form.mjs [HTCDS.xml]`. Prints numbers; gates nothing.
//
// open: from the call to the first painted page, the page of the app already loaded. key: from a key press to the frame that shows
// it, for a question that others depend on. `busy` is the time for which the page's main thread worked, whatever else the machine
// did meanwhile; `wall` is what a clock showed. Medians.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

import { fixture, openLab, serveLab, startBrowser } from "./lab.mjs";

const SLOW = Number(process.env.SLOW ?? 4);
const htcds = process.argv[2] ?? (process.env.TRIBUTARY_HTCDS_DIR && `${process.env.TRIBUTARY_HTCDS_DIR}/htcds_xlsform.xml`);
const lab = await serveLab();
const browser = await startBrowser();
console.log(`bundle of the interview with its engine and test page: ${Math.round(gzipSync(lab.bundle, { level: 9 }).length / 1024)} kB gzip`);

/** 500 questions in groups of ten, each tenth a total of the group, and one total of all. */
function large() {
  const groups = Array.from({ length: 50 }, (_, g) => Array.from({ length: 10 }, (_, q) => `q${g}_${q}`));
  const path = (g, name) => `/data/g${g}/${name}`;
  const sum = (paths) => paths.map((p) => `coalesce(${p}, 0)`).join(" + ");
  const binds = groups.flatMap((names, g) => [
    ...names.map((n, i) => `<bind nodeset="${path(g, n)}" type="${i % 2 ? "string" : "int"}"${i === 9 ? ` relevant="${path(g, names[0])} &gt; 3"` : ""}/>`),
    `<bind nodeset="${path(g, "t")}" type="int" calculate="${sum(names.filter((_, i) => i % 2 === 0).map((n) => path(g, n)))}"/>`,
    `<bind nodeset="${path(g, "u")}" type="int" calculate="${path(g, "t")} * 2"/>`,
  ]);
  return `<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>Large</h:title><model><instance><data id="large">${groups
    .map((names, g) => `<g${g}>${names.map((n) => `<${n}/>`).join("")}<t/><u/></g${g}>`)
    .join("")}<all/></data></instance>${binds.join("")}<bind nodeset="/data/all" type="int" calculate="${sum(groups.map((_, g) => path(g, "t")))}"/></model></h:head><h:body>${groups
    .map((names, g) => `<group ref="/data/g${g}"><label>Group ${g}</label>${names.map((n, i) => `<input ref="${path(g, n)}"><label>Question ${n}${i === 1 ? ` after <output value="${path(g, "t")}"/>` : ""}</label></input>`).join("")}</group>`)
    .join("")}</h:body></h:html>`;
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

async function measure(name, xml, path, warm = true) {
  const opened = [];
  const keys = [];
  for (let round = 0; round < 5; round++) {
    const { page, context } = await openLab(browser, lab.url);
    const session = await context.newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate: SLOW });
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    const thread = async () => (await session.send("Performance.getMetrics")).metrics.find((m) => m.name === "ThreadTime").value * 1000;
    const prepared = await page.evaluate((text) => globalThis.lab.engine.prepare(text), xml);
    // The app does this while it shows the list.
    if (warm) await page.evaluate((ready) => globalThis.lab.engine.warmUp(ready.xform), prepared);
    const before = await thread();
    const wall = await page.evaluate(async (ready) => {
      const began = performance.now();
      await globalThis.lab.openPrepared(ready);
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      return performance.now() - began;
    }, prepared);
    opened.push([(await thread()) - before, wall]);
    keys.push(...(await page.evaluate(async (at) => {
      globalThis.lab.form.goto(at);
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const input = document.querySelector(`[data-path="${at}"] input`);
      input.focus();
      const out = [];
      for (let i = 0; i < 15; i++) {
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)));
        const began = performance.now();
        input.value = String(i + 1);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        const script = performance.now() - began;
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        out.push([script, performance.now() - began]);
      }
      return out.slice(3);
    }, path)));
    await context.close();
  }
  const at = (all, index) => Math.round(median(all.map((one) => one[index])) * 10) / 10;
  console.log(`${name}: open ${at(opened, 0)} ms busy, ${at(opened, 1)} ms wall; key ${at(keys, 0)} ms script, ${at(keys, 1)} ms to the frame`);
}

console.log(`at ${SLOW} times slower CPU:`);
if (htcds) await measure("HTCDS, not read before", await readFile(htcds, "utf8"), "/data/prs_First_Name", false);
if (htcds) await measure("HTCDS", await readFile(htcds, "utf8"), "/data/prs_First_Name");
else console.log("HTCDS: skipped, its XForm was not named");
await measure("all kinds", await fixture("kinds.xml"), "/data/about/age");
await measure("500 questions, 101 calculations", large(), "/data/g0/q0_0");
await browser.close();
await lab.close();
