// Answers as they are typed and as the wire spells them: the outcome of sync-core/native (answers/typed.rs), in TypeScript.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Value } from "../src/core/types";
import { instanceText, readAnswer, sameValue } from "../src/form/answers";
import { offsetAt, readDay, westernDigits } from "../src/form/digits";
import { fieldOfKey, Fields, keyOf, orderAfter, rowKey } from "../src/form/keys";
import { looksLikeZawgyi } from "../src/form/zawgyi";

test("a typed answer becomes the value that the native client makes of it", () => {
  const cases: [string, string, Value][] = [
    ["text", "", { null: true }],
    ["text", " ខ្មែរ ", { text: " ខ្មែរ " }],
    ["integer", "007", { int: 7 }],
    ["integer", "-0", { int: 0 }],
    ["integer", "85512345678", { int: 85512345678 }],
    ["integer", "9007199254740993", { decimal: "9007199254740993" }],
    ["integer", "១២៣", { int: 123 }],
    ["decimal", "12.50", { decimal: "12.5" }],
    ["decimal", "1.0", { decimal: "1" }],
    ["decimal", ".5", { decimal: "0.5" }],
    ["decimal", "1,5", { decimal: "1.5" }],
    ["decimal", "12345678901234567890.12", { decimal: "12345678901234567890.12" }],
    ["range:decimal", "0.5", { decimal: "0.5" }],
    ["range", "5", { int: 5 }],
    ["select_one", "given", { code: "given" }],
    ["select_multiple", "ຂ b a b", { codes: ["a", "b", "ຂ"] }],
    ["rank", "c a b", { text: "c a b" }],
    ["trigger", "OK", { text: "OK" }],
    ["date", "2026-03-31", { date: "2026-03-31" }],
    ["time", "16:30", { time: "16:30:00.000" }],
    ["time", "16:30:00+07:00", { time: "16:30:00.000+07:00" }],
    ["datetime", "2026-03-31T16:30:00.000+07:00", { datetime: "2026-03-31T16:30:00.000+07:00" }],
    ["metadata:datetime", "2026-03-31T16:30:00.25+00:00", { datetime: "2026-03-31T16:30:00.250Z" }],
    ["geopoint", "11.5625 104.916 12.5 4.2", { geo: [115625000, 1049160000, 1250, 420] }],
    ["geopoint", "11.5625,104.916", { geo: [115625000, 1049160000, null, null] }],
    ["calculate:int", "42", { int: 42 }],
    ["calculate", "42", { text: "42" }],
    ["hidden:boolean", "true", { bool: true }],
  ];
  for (const [type, text, value] of cases) assert.deepEqual(readAnswer(type, text), { value }, `${type} ${text}`);
});

test("what is no answer is told with its reason", () => {
  const cases: [string, string, string][] = [
    ["integer", "12a", "problem_number"],
    ["integer", "1.5", "problem_whole"],
    ["integer", "1,000", "problem_comma"],
    ["decimal", "1e5", "problem_number"],
    ["decimal", "-", "problem_number"],
    ["date", "2026-02-30", "problem_date"],
    ["time", "25:00", "problem_time"],
    ["datetime", "2026-03-31T16:30:00", "problem_date"],
    ["geopoint", "91 0", "problem_geo"],
    ["text", "x".repeat(65537), "problem_long"],
  ];
  for (const [type, text, problem] of cases) assert.deepEqual(readAnswer(type, text), { problem }, `${type} ${text.slice(0, 20)}`);
});

test("a value goes into the form and comes back the same", () => {
  const cases: [string, Value][] = [
    ["integer", { int: -3 }], ["decimal", { decimal: "12.5" }], ["text", { text: "a b" }], ["select_one", { code: "x" }],
    ["select_multiple", { codes: ["a", "b"] }], ["date", { date: "2026-11-24" }], ["time", { time: "09:12:00.000" }],
    ["datetime", { datetime: "2026-11-24T09:12:33.250+07:00" }], ["geopoint", { geo: [179650000, 1026120000, 17400, 500] }],
    ["hidden:boolean", { bool: false }], ["text", { null: true }],
  ];
  for (const [type, value] of cases) assert.deepEqual(readAnswer(type, instanceText(value)), { value }, type);
  assert.equal(instanceText({ x40: "AAEC" }), "");
  assert.ok(sameValue({ attachment: { sha256: "aa", size: 1, type: "image/png" } }, { attachment: { sha256: "aa", size: 1, type: "image/jpeg" } }));
});

test("days are read in both calendars and in the region's digits", () => {
  const cases: [string, string, number | undefined][] = [
    ["31/3/2569", "2026-03-31", 2569],
    ["31/3/2026", "2026-03-31", undefined],
    ["2026-03-31", "2026-03-31", undefined],
    ["2569-03-31", "2026-03-31", 2569],
    ["31032569", "2026-03-31", 2569],
    ["๓๑/๓/๒๕๖๙", "2026-03-31", 2569],
    ["៣១.៣.២០២៦", "2026-03-31", undefined],
    ["29/2/2567", "2024-02-29", 2567],
  ];
  for (const [typed, iso, buddhist] of cases) assert.deepEqual(readDay(typed), { iso, buddhist }, typed);
  for (const bad of ["", "31/3", "31/3/26", "30/2/2026", "29/2/2568", "3/2026", "2026", "x/3/2026", "1/1/0999"]) assert.equal(readDay(bad), undefined, bad);
  assert.equal(readDay("3/2569", "month")?.iso, "2026-03-01");
  assert.equal(readDay("2026-03", "month")?.iso, "2026-03-01");
  assert.equal(readDay("2569", "year")?.iso, "2026-01-01");
  assert.equal(westernDigits("၁၂ ໐໙"), "12 09");
  assert.match(offsetAt("2026-03-31", "16:30"), /^(Z|[+-]\d\d:\d\d)$/);
});

test("keys name the row and the repeat, and order keys grow behind each other", () => {
  const fields = new Fields({
    form_id: "f", xform_sha256: "", attachments: [],
    fields: [["/d/a", "text"], ["/d/r", "repeat"], ["/d/r/trib_row", "row_id"], ["/d/r/g", "group"], ["/d/r/g/b", "text"]].map(([path, type], i) => ({ path: path ?? "", id: i + 1, type: type ?? "", seal: false, sensitivity: "unmarked" })),
  });
  const [a, b] = [fields.at("/d/a"), fields.at("/d/r/g/b")];
  assert.ok(a && b);
  assert.equal(keyOf(a, undefined), "f1");
  assert.equal(keyOf(b, "00000000000000aa"), "g2.00000000000000aa.f5");
  assert.equal(rowKey(2, "00000000000000aa"), "g2.00000000000000aa.row");
  assert.deepEqual(fieldOfKey("g2.00000000000000aa.f5"), { id: 5, row: "00000000000000aa" });
  assert.equal(fieldOfKey("g2.00000000000000aa.row"), undefined);
  const orders: string[] = [];
  for (let i = 0; i < 500; i++) orders.push(orderAfter(orders.at(-1)));
  assert.ok(orders.every((order, i) => i === 0 || (orders[i - 1] ?? "") < order));
  assert.ok(orders.every((order) => /^[0-9A-Za-z]{1,12}$/.test(order)));
});

test("Zawgyi is flagged and Unicode is not", () => {
  for (const zawgyi of ["ေက်းဇူးတင္ပါတယ္", "ျမန္မာ", "ဘာလုပ္ေနလဲ"]) assert.ok(looksLikeZawgyi(zawgyi), zawgyi);
  for (const unicode of ["ကျေးဇူးတင်ပါတယ်", "မြန်မာ", "ဘာလုပ်နေလဲ", "သင်ပြောပြတာတွေကို ရေးမှတ်ပြီး သိမ်းထားခွင့်ပြုပါသလား။", "ဒုက္ခ", "အင်္ဂလိပ်", "Dara", "ខ្មែរ"]) assert.ok(!looksLikeZawgyi(unicode), unicode);
});
