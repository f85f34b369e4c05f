// The core in a browser, as dist has it and under the policy of the app: the shared vectors come out to the byte.
// `cargo test -p tributary-wasm` does the same natively, server/web/field/test in Node.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { POLICY, startBrowser } from "./lab.mjs";

const web = new URL("../../server/web/", import.meta.url);
const vectors = new URL("../../schemas/vectors/", import.meta.url);

const FILES = {
  "/": { type: "text/html; charset=utf-8", body: '<!doctype html><title>core</title><script type="module" src="/page.js"></script>' },
  "/page.js": {
    type: "text/javascript",
    body: 'import init, { vector } from "/core.js";\nawait init({ module_or_path: "/core.wasm" });\nglobalThis.vector = vector;\n',
  },
  "/core.js": { type: "text/javascript", body: await readFile(new URL("field/src/core/made/core.js", web)) },
  "/core.wasm": { type: "application/wasm", body: await readFile(new URL("dist/core.wasm", web)) },
};

let server;
let browser;
before(async () => {
  server = createServer((request, response) => {
    const file = FILES[request.url ?? "/"];
    response.writeHead(file ? 200 : 204, { "content-type": file?.type ?? "text/plain", "content-security-policy": POLICY });
    response.end(file?.body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
});

test("every shared vector is made again to the byte in a browser", async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => globalThis.vector !== undefined);
  const names = await readdir(vectors);
  assert.ok(names.length >= 4);
  for (const name of names) {
    const text = await readFile(new URL(name, vectors), "utf8");
    const made = await page.evaluate(([file, content]) => globalThis.vector(file, content), [name, text]);
    assert.ok(made === text, `${name} differs: ${made.slice(0, 80)}`);
  }
});
