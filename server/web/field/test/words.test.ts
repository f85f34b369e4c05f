// Every language fills in the same things, and the search finds what people type in the scripts of the region.
import assert from "node:assert/strict";
import { test } from "node:test";

import { TEXTS } from "../src/form/texts";
import { folded, finds } from "../src/pages/find";
import { en } from "../src/words/en";
import { km } from "../src/words/km";
import { lo } from "../src/words/lo";
import { my } from "../src/words/my";
import { th } from "../src/words/th";
import { vi } from "../src/words/vi";
import { zhHans } from "../src/words/zh-Hans";
import { km as kmForm } from "../src/words/form/km";
import { lo as loForm } from "../src/words/form/lo";
import { my as myForm } from "../src/words/form/my";
import { th as thForm } from "../src/words/form/th";
import { vi as viForm } from "../src/words/form/vi";
import { zhHans as zhForm } from "../src/words/form/zh-Hans";

const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

function fillsTheSame(name: string, source: Record<string, string>, texts: Record<string, string>) {
  for (const [key, text] of Object.entries(source)) {
    assert.deepEqual(places(texts[key] ?? ""), places(text), `${name} ${key}`);
    assert.ok((texts[key] ?? "").trim() !== "" || text.trim() === "", `${name} ${key} is empty`);
  }
  assert.deepEqual(Object.keys(texts).filter((key) => !(key in source)), [], name);
}

test("every language fills in the same things", () => {
  for (const [name, texts] of Object.entries({ km, lo, my, th, vi, zhHans })) fillsTheSame(name, en, texts);
  for (const [name, texts] of Object.entries({ kmForm, loForm, myForm, thForm, viForm, zhForm })) fillsTheSame(name, TEXTS, texts);
});

test("a search finds words whatever their marks, case, width and spaces", () => {
  const found: [string, string][] = [
    ["nguyen thi hoa", "Nguyễn Thị Hoà"],
    ["NGUYỄN", "nguyễn"],
    ["đong da", "Đống Đa"],
    ["ផ្សារដេប៉ូ", "នៅ ផ្សារ ដេប៉ូ ភ្នំពេញ"],
    ["ปอยเปต", "ที่ตลาดปอยเปต"],
    ["ວຽງຈັນ", "ຕະຫຼາດ ວຽງ\u200Bຈັນ"],
    ["မြဝတီ", "မြဝတီမြို့"],
    ["昆明", "在昆明的工厂"],
    ["ＡＢＣ", "abc"],
    ["hoa nguyen", "Nguyễn Thị Hoà"],
    ["", "anything"],
  ];
  for (const [wanted, text] of found) assert.ok(finds(wanted, [text]), `${wanted} in ${text}`);
  // Marks of these scripts are letters, not decoration.
  const not: [string, string][] = [["កា", "កិ"], ["มา", "มี"], ["hoa binh", "Hoà"], ["xyz", "abc"]];
  for (const [wanted, text] of not) assert.ok(!finds(wanted, [text]), `${wanted} not in ${text}`);
  assert.equal(folded("Đống Đa"), "dongda");
});
