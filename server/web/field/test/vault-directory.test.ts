// The vault's directory against a plain map: drawn writes, some of which come to nothing.
// Not here: sealing and IndexedDB (tests/browser/vault).

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Entry, read, sizeOf, write } from "../src/vault/content";
import { Directory, type DirectoryPlan } from "../src/vault/directory";

/** The pages at rest: what a commit leaves. */
class Rest {
  readonly pages = new Map<string, Entry[]>();
  next = 0;

  commit(plan: DirectoryPlan): void {
    for (const [old, page] of plan.touched()) {
      if (old) assert.ok(this.pages.delete(old.id), "a page that is replaced was there");
      if (page.entries.size === 0) continue;
      page.id = `${this.next++}`.padStart(32, "0");
      this.pages.set(page.id, [...page.entries.values()]);
    }
  }

  /** As an unlock finds it. */
  opened(): Directory {
    const directory = new Directory("held");
    for (const [id, entries] of this.pages) {
      const content = read(write({ kind: "page", table: "held", entries }));
      assert.equal(content.kind, "page");
      if (content.kind === "page") directory.take(id, content.entries);
    }
    return directory;
  }
}

/** Numbers below `n`, the same for the same seed. */
function draw(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function said(entries: Iterable<Entry>): string[] {
  return [...entries].map((e) => `${e.key} ${e.brief.length} ${e.chunks.join()}`).sort();
}

test("a directory says what a map says, whatever is written, dropped and read again", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const below = draw(seed);
    const rest = new Rest();
    let directory = rest.opened();
    let model = new Map<string, Entry>();
    const keys = 20 + below(400);
    for (let round = 0; round < 40; round++) {
      const plan = directory.plan();
      const next = new Map(model);
      for (let n = 1 + below(below(4) === 0 ? 200 : 5); n > 0; n--) {
        const key = `k${below(keys)}`;
        assert.deepEqual(plan.entry(key), next.get(key), `seed ${seed}, ${key} in the plan`);
        if (below(3) === 0) {
          plan.delete(key);
          next.delete(key);
          continue;
        }
        // Mostly short, now and then larger than a page.
        const brief = new Uint8Array(below(10) === 0 ? below(40_000) : below(200));
        const entry = { key, brief, chunks: [`${below(1e9)}`.padStart(32, "0")] };
        plan.put(entry);
        next.set(key, entry);
      }
      if (below(5) === 0) continue; // The transaction was aborted: nothing of it counts.
      rest.commit(plan);
      directory.apply(plan);
      model = next;
      assert.deepEqual(said(directory.entries()), said(model.values()), `seed ${seed}, round ${round}`);
      assert.deepEqual(said([...rest.pages.values()].flat()), said(model.values()), `seed ${seed}, round ${round}, at rest`);
      for (const key of model.keys()) assert.equal(directory.entry(key), model.get(key), `seed ${seed}, ${key}`);
      for (const page of rest.pages.values()) {
        const bytes = page.reduce((sum, entry) => sum + sizeOf(entry), 0);
        assert.ok(page.length === 1 || (page.length <= 64 && bytes <= 3 * 40_000), `seed ${seed}: a page of ${page.length}, ${bytes} bytes`);
      }
      if (below(4) === 0) {
        directory = rest.opened();
        assert.deepEqual(said(directory.entries()), said(model.values()), `seed ${seed}, round ${round}, opened again`);
        model = new Map(directory.entries().map((entry) => [entry.key, entry]));
      }
    }
  }
});

test("5,000 entries as lists show them take 79 pages, however they came", () => {
  const rest = new Rest();
  const directory = rest.opened();
  for (let i = 0; i < 5000; i++) {
    const plan = directory.plan();
    plan.put({ key: `${i}`.padStart(32, "0"), brief: new Uint8Array(150), chunks: ["0".repeat(32)] });
    assert.ok(plan.touched().length === 1);
    rest.commit(plan);
    directory.apply(plan);
  }
  assert.equal(rest.pages.size, 79);
});
