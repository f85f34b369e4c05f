// The shared vectors in WASM: made again from what stands in them, to the byte. `cargo test -p tributary-wasm` does the same
// natively.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { vector } from "../src/core/made/core";
import { loadCore } from "./core";

const folder = "schemas/vectors";

test("every shared vector is made again to the byte", async () => {
  await loadCore();
  const names = readdirSync(folder);
  assert.ok(names.length >= 4);
  for (const name of names) {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    assert.ok(vector(name, text) === text, `${name} differs`);
  }
});

test("a changed vector is noticed", async () => {
  await loadCore();
  const text = readFileSync(`${folder}/records.json`, "utf8").replace(/"digest": "./, '"digest": "x');
  assert.notEqual(vector("records.json", text), text);
});
