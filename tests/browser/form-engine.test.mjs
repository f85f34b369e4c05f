// What the field app relies on in @getodk/xforms-engine: a new version of it is judged by these. Run in Chromium, because the
// engine wants a DOM.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { fixture, openLab, serveLab, startBrowser } from "./lab.mjs";

let lab, browser, page, xml;
before(async () => {
  lab = await serveLab();
  browser = await startBrowser();
  ({ page } = await openLab(browser, lab.url));
  xml = await fixture("kinds.xml");
  await page.evaluate((text) => {
    const { engine } = globalThis.lab;
    globalThis.kinds = text;
    globalThis.begin = async (instance, files = {}) => {
      const { xform } = engine.prepare(text);
      const have = async (name) => (files[name] === undefined ? undefined : new Blob([files[name]]));
      const read = await engine.readXForm(xform, have);
      const form = await (await engine.loadEngine(read.text, have)).open(instance && engine.instanceXml(read, instance));
      const at = (path) => [...form.all()].filter((n) => n.path === path);
      return { form, at, one: (path) => at(path)[0], read };
    };
    globalThis.filled = (values, rows = {}) => ({
      isRepeat: (path) => ["/data/members", "/data/members/pets", "/data/kids"].includes(path),
      rows: (path, around) => rows[`${path}|${around ?? ""}`] ?? [],
      text: (path, row) => values[`${path}|${row ?? ""}`] ?? (path.endsWith("trib_row") ? row : undefined),
    });
  }, xml);
});
after(async () => {
  await browser?.close();
  await lab?.close();
});

test("relevance blanks a value and gives it back", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    one("/data/about/age").put("12");
    one("/data/about/guardian").put("Aunt");
    const seen = [one("/data/about/guardian").text];
    one("/data/about/age").put("40");
    seen.push(one("/data/about/guardian").text, one("/data/about/guardian").relevant);
    one("/data/about/age").put("12");
    return [...seen, one("/data/about/guardian").text];
  });
  assert.deepEqual(seen, ["Aunt", "", false, "Aunt"]);
});

test("a hidden node is set by its path and shows once it becomes relevant", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    one("/data/about/guardian").put("Aunt");
    const hidden = one("/data/about/guardian").text;
    one("/data/about/age").put("7");
    return [hidden, one("/data/about/guardian").text];
  });
  assert.deepEqual(seen, ["", "Aunt"]);
});

test("an instance keeps values under what hides them", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin(filled({ "/data/about/age|": "40", "/data/about/guardian|": "Aunt" }));
    const hidden = one("/data/about/guardian").text;
    one("/data/about/age").put("7");
    return [hidden, one("/data/about/guardian").text];
  });
  assert.deepEqual(seen, ["", "Aunt"]);
});

test("rows are known by position, and the row id stays when a row before goes", async () => {
  const seen = await page.evaluate(async () => {
    const { one, at } = await begin();
    const repeat = one("/data/members");
    repeat.addRow();
    repeat.addRow();
    const ids = () => at("/data/members/trib_row").map((n) => n.text);
    const before = ids();
    repeat.removeRow(repeat.children[0]);
    const kept = ids();
    return { before, kept, fresh: new Set(before).size, path: at("/data/members/m_name").map((n) => n.path) };
  });
  assert.equal(seen.fresh, 3);
  assert.deepEqual(seen.kept, seen.before.slice(1));
  assert.deepEqual(new Set(seen.path), new Set(["/data/members/m_name"]));
});

test("once() keeps what an instance holds, rows and nested rows too", async () => {
  const seen = await page.evaluate(async () => {
    const rows = { "/data/members|": ["00000000000000aa", "00000000000000bb"], "/data/members/pets|00000000000000bb": ["00000000000000cc"] };
    const { at, one } = await begin(filled({ "/data/about/draw|": "0.25", "/data/members/pets/pet|00000000000000cc": "Cat" }, rows));
    return { rows: at("/data/members/trib_row").map((n) => n.text), pets: at("/data/members/pets/trib_row").map((n) => n.text), pet: one("/data/members/pets/pet").text, draw: one("/data/about/draw").text };
  });
  assert.deepEqual(seen, { rows: ["00000000000000aa", "00000000000000bb"], pets: ["00000000000000cc"], pet: "Cat", draw: "0.25" });
});

test("whole numbers stop at 32 bits: a larger one is blank to the form", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    const out = [];
    for (const text of ["2147483647", "85512345678", "12.7"]) {
      one("/data/about/age").put(text);
      out.push(one("/data/about/age").text);
    }
    return out;
  });
  assert.deepEqual(seen, ["2147483647", "", "12"]);
});

test("reads are noted and only what changed is drawn again", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    const { watch, settle } = lab.engine;
    let label = 0;
    let other = 0;
    watch(() => (one("/data/about/age").label.plain, label++));
    watch(() => (one("/data/about/weight").text, other++));
    one("/data/about/who").put("Dara");
    settle();
    return [label, other, one("/data/about/age").label.plain];
  });
  assert.deepEqual(seen, [2, 1, "Age of **Dara**"]);
});

test("the language is switched in place, and a missing translation is the default language's", async () => {
  const seen = await page.evaluate(async () => {
    const { form, one } = await begin();
    one("/data/about/who").put("Dara");
    form.speak("Khmer (km)");
    one("/data/about/age").put("130");
    return { label: one("/data/about/who").label.plain, value: one("/data/about/who").text, missing: one("/data/about/weight").label.plain, message: one("/data/about/age").violation.message, choice: one("/data/choices/agree").choices[0].label.plain };
  });
  assert.deepEqual(seen, { label: "តើយើងអាចហៅអ្នកថាអ្វី?", value: "Dara", missing: "Weight in kg", message: "From 0 to 120.", choice: "បាទ/ចាស" });
});

test("guidance is no part of the hint", async () => {
  const seen = await page.evaluate(async () => {
    const { one, read } = await begin();
    return { hint: one("/data/about/who").hint.plain, guidance: [...read.guidance.get("/data/about/who")] };
  });
  assert.deepEqual(seen, { hint: "Not the *real* name.", guidance: [["English (en)", "Any name will do."], ["Khmer (km)", "ឈ្មោះណាក៏បាន។"]] });
});

test("a cascading choice offers what fits, and keeps what it cannot show", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    const cities = () => one("/data/choices/city").choices.map((c) => c.code);
    one("/data/choices/country").put("KH");
    const kh = cities();
    one("/data/choices/city").put("pp");
    one("/data/choices/country").put("LA");
    const la = [cities(), one("/data/choices/city").text];
    one("/data/choices/country").put("KH");
    return { kh, la, back: one("/data/choices/city").text };
  });
  assert.deepEqual(seen, { kh: ["pp", "sr"], la: [["vt"], ""], back: "pp" });
});

test("required and constraint are told apart", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    const required = one("/data/about/who").violation;
    one("/data/about/age").put("-1");
    return [required.kind, one("/data/about/age").violation];
  });
  assert.deepEqual(seen, ["required", { kind: "constraint", message: "From 0 to 120." }]);
});

test("calculations follow, and an answer sets what the form sets by it", async () => {
  const seen = await page.evaluate(async () => {
    const { one, read } = await begin();
    one("/data/about/age").put("21");
    one("/data/about/who").put("Dara");
    return [one("/data/about/twice").text, one("/data/about/copied").text, [...read.setByForm], [...read.once], [...read.ends]];
  });
  assert.deepEqual(seen, ["42", "Dara!", ["/data/about/copied"], ["/data/about/draw", "/data/members/trib_row", "/data/members/pets/trib_row", "/data/kids/trib_row"], ["/data/end"]]);
});

test("a counted repeat has as many rows as its count says", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    const out = [one("/data/kids").counted];
    for (const n of ["3", "1", "2"]) {
      one("/data/nkids").put(n);
      out.push(one("/data/kids").children.length);
    }
    return out;
  });
  assert.deepEqual(seen, [true, 3, 1, 2]);
});

test("a ranking is complete, a file is a name, a trigger is OK", async () => {
  const seen = await page.evaluate(async () => {
    const { one } = await begin();
    one("/data/others/best").put("durian mango");
    one("/data/others/photo").put("abc.jpg");
    one("/data/others/read").put("OK");
    const full = [one("/data/others/best").text, one("/data/others/photo").text !== "", one("/data/others/read").text];
    one("/data/others/photo").put("");
    return [...full, one("/data/others/photo").text];
  });
  assert.deepEqual(seen, ["durian mango banana", true, "OK", ""]);
});

test("choices come from the form's files, and a missing file leaves none", async () => {
  const seen = await page.evaluate(async () => {
    const text = `<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>t</h:title><model><instance><data id="files"><csv/><xml/></data></instance>
      <instance id="sites" src="jr://file-csv/sites.csv"/><instance id="towns" src="jr://file/towns.xml"/>
      <bind nodeset="/data/csv" type="string"/><bind nodeset="/data/xml" type="string"/></model></h:head><h:body>
      <select1 ref="/data/csv"><label>c</label><itemset nodeset="instance('sites')/root/item"><value ref="name"/><label ref="label"/></itemset></select1>
      <select1 ref="/data/xml"><label>x</label><itemset nodeset="instance('towns')/root/item"><value ref="name"/><label ref="label"/></itemset></select1></h:body></h:html>`;
    const files = { "sites.csv": "name,label\nkh1,Poipet\nkh2,Kampot\n", "towns.xml": "<root><item><name>vt</name><label>Vientiane</label></item></root>" };
    const open = async (have) => {
      const files = async (name) => (have[name] === undefined ? undefined : new Blob([have[name]]));
      const form = await (await lab.engine.loadEngine((await lab.engine.readXForm(text, files)).text, files)).open();
      return [...form.all()].filter((n) => n.kind === "select").map((n) => n.choices.map((c) => `${c.code} ${c.label.plain}`));
    };
    return [await open(files), await open({})];
  });
  assert.deepEqual(seen, [[["kh1 Poipet", "kh2 Kampot"], ["vt Vientiane"]], [[], []]]);
});

test("two instances of one form that was read once do not know of each other", async () => {
  const seen = await page.evaluate(async () => {
    const none = async () => undefined;
    const read = await lab.engine.readXForm(lab.engine.prepare(kinds).xform, none);
    const loaded = await lab.engine.loadEngine(read.text, none);
    const [a, b] = [await loaded.open(), await loaded.open(lab.engine.instanceXml(read, filled({ "/data/about/who|": "Linh" })))];
    const one = (form, path) => [...form.all()].find((n) => n.path === path);
    one(a, "/data/about/who").put("Dara");
    one(a, "/data/about/age").put("12");
    one(b, "/data/about/age").put("40");
    a.speak("Khmer (km)");
    return [a, b].map((form) => [one(form, "/data/about/who").text, one(form, "/data/about/guardian").relevant, one(form, "/data/about/twice").text, one(form, "/data/choices/agree").choices[0].label.plain]);
  });
  assert.deepEqual(seen, [["Dara", true, "24", "បាទ/ចាស"], ["Linh", false, "80", "Yes"]]);
});
