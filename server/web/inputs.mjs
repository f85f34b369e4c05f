// What dist is made of, as one hash for the WASM and one for the app: `node inputs.mjs` prints them, `node inputs.mjs wasm`
// (or `app`) notes in dist/inputs.sha256 that this part was made of what stands here now. tests/tidy/web.rs makes the same
// hashes without Node, and says when dist is stale.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const root = resolve(web, "../..");
const kept = join(web, "dist/inputs.sha256");

/** The parts with the folders and files whose bytes go into them. */
const PARTS = {
  wasm: ["sync-core/src/", "sync-core/Cargo.toml", "sync-core/bindings/wasm/", "server/web/bindgen/"],
  app: ["server/web/"],
};
/** What lies there and does not: the output itself, tests, texts for people. */
const LEFT_OUT = ["server/web/dist/", "server/web/field/test/", "sync-core/src/testing", "sync-core/bindings/wasm/src/tests/"];

const git = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
const listed = execFileSync("git", git, { cwd: root, maxBuffer: 1 << 26 }).toString().split("\0");
const files = [...new Set(listed)].filter((f) => f !== "" && existsSync(join(root, f)) && statSync(join(root, f)).isFile()).sort();

function counts(part, file) {
  const inside = PARTS[part].some((p) => file.startsWith(p)) && !LEFT_OUT.some((p) => file.startsWith(p));
  return inside && !file.endsWith(".md") && !(part === "app" && file.startsWith("server/web/bindgen/"));
}

/** The entries of the lock file that a package needs, with itself. */
function behind(name) {
  const packages = new Map();
  for (const entry of readFileSync(join(root, "Cargo.lock"), "utf8").split("[[package]]").slice(1)) {
    const member = (m) => new RegExp(`^${m} = "([^"]*)"`, "m").exec(entry)?.[1];
    packages.set(member("name"), [...(packages.get(member("name")) ?? []), { version: member("version"), entry }]);
  }
  const found = new Set();
  const open = [name];
  while (open.length > 0) {
    const [wanted, exact] = open.pop().split(" ");
    for (const { version, entry } of packages.get(wanted) ?? []) {
      if ((exact !== undefined && exact !== version) || found.has(entry)) continue;
      found.add(entry);
      const named = entry.split("dependencies = [")[1] ?? "";
      open.push(...named.split('"').filter((_, at) => at % 2 === 1));
    }
  }
  return [...found].sort();
}

function hash(part) {
  const all = createHash("sha256");
  for (const file of files.filter((f) => counts(part, f))) {
    all.update(`${file}\0`).update(createHash("sha256").update(readFileSync(join(root, file))).digest());
  }
  if (part === "wasm") for (const entry of behind("tributary-wasm")) all.update(entry);
  return `${all.digest("hex")}  ${part}`;
}

const noted = process.argv[2];
if (noted === undefined) {
  console.log(Object.keys(PARTS).map(hash).join("\n"));
} else {
  const before = existsSync(kept) ? readFileSync(kept, "utf8").split("\n") : [];
  const line = (part) => (part === noted ? hash(part) : before.find((l) => l.endsWith(`  ${part}`)));
  writeFileSync(kept, Object.keys(PARTS).map(line).filter((l) => l !== undefined).join("\n") + "\n");
}
