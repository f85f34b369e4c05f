// Puts the field app together into `dist`: scripts, styles, the page, icons, and last the service worker with the list of
// all the others and a hash over their contents. The same input gives the same bytes. `./build` calls it after it has made
// the WASM. Not here: the WASM itself.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const web = dirname(fileURLToPath(import.meta.url));
const field = join(web, "field");
const out = join(web, "dist");
// Made by other steps of ./build.
const kept = (name) => name.endsWith(".wasm") || name === "inputs.sha256";

/** What is bundled: the name in dist, and where it begins. */
const scripts = { "app.js": "src/main.ts", "derive.js": "src/vault/derive-worker.ts" };
const copied = [
  "index.html", "manifest.webmanifest", "plain.webmanifest",
  ...["icon", "plain"].flatMap((name) => [".svg", "-192.png", "-512.png"].map((end) => `icons/${name}${end}`)),
];

const options = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome119", "firefox128", "safari17.4"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  absWorkingDir: web,
};

await mkdir(out, { recursive: true });
for (const name of await readdir(out)) {
  if (!kept(name)) await rm(join(out, name));
}
for (const [name, from] of Object.entries(scripts)) {
  if (existsSync(join(field, from))) await build({ ...options, entryPoints: [join(field, from)], outfile: join(out, name) });
}
await build({ ...options, entryPoints: [join(field, "src/ui/app.css")], outfile: join(out, "app.css") });
for (const name of copied) {
  await copyFile(join(field, name), join(out, name.split("/").pop()));
}

// The service worker keeps these; one byte more or less anywhere, and it is a new one.
const names = (await readdir(out)).filter((name) => name !== "inputs.sha256" && name !== "sw.js").sort();
const hash = createHash("sha256");
for (const name of names) {
  hash.update(`${name}\0`).update(createHash("sha256").update(await readFile(join(out, name))).digest());
}
await build({
  ...options,
  entryPoints: [join(field, "src/worker.ts")],
  outfile: join(out, "sw.js"),
  format: "iife",
  define: { FILES: JSON.stringify(names), VERSION: JSON.stringify(hash.digest("hex").slice(0, 16)) },
});
