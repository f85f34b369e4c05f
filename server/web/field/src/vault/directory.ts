/**
 * The directory of one lazy table: which rows hold the body of each key, and its brief. Kept in pages, each a sealed row of
 * its own, so that one changed record rewrites one small page and thousands of records list from a few dozen.
 * Not here: sealing and writing the pages (rows.ts).
 */
import { type Entry, sizeOf } from './content';
import { VaultError } from './errors';

/** An entry goes to a page with fewer entries and bytes than these. 5,000 entries with short briefs make 79 pages. */
const ENTRIES = 64;
const BYTES = 16 * 1024;

export class Page {
  constructor(
    /** The row it lies in; empty for one never written. */
    public id: string,
    readonly entries: Map<string, Entry>,
  ) {}

  bytes(): number {
    let sum = 0;
    for (const entry of this.entries.values()) sum += sizeOf(entry);
    return sum;
  }
}

export class Directory {
  readonly #pages = new Set<Page>();
  readonly #of = new Map<string, Page>();

  constructor(readonly table: string) {}

  /** Takes in a page as it was read. */
  take(id: string, entries: Entry[]): void {
    const page = new Page(id, new Map(entries.map((entry) => [entry.key, entry])));
    for (const entry of entries) {
      if (this.#of.has(entry.key)) throw new VaultError('damaged');
      this.#of.set(entry.key, page);
    }
    this.#pages.add(page);
  }

  entry(key: string): Entry | undefined {
    return this.#of.get(key)?.entries.get(key);
  }

  entries(): Entry[] {
    return [...this.#pages].flatMap((page) => [...page.entries.values()]);
  }

  /** Plans a write; nothing here changes before it is `apply`'d. */
  plan(): DirectoryPlan {
    return new DirectoryPlan(this, [...this.#pages], (key) => this.#of.get(key));
  }

  /** The plan is durable: this is how things stand now. */
  apply(plan: DirectoryPlan): void {
    for (const [old, page] of plan.touched()) {
      if (old) {
        this.#pages.delete(old);
        for (const key of old.entries.keys()) if (this.#of.get(key) === old) this.#of.delete(key);
      }
      if (page.entries.size === 0) continue;
      this.#pages.add(page);
      for (const key of page.entries.keys()) this.#of.set(key, page);
    }
  }
}

/** One write's changes of a directory: copies of the pages it touches. */
export class DirectoryPlan {
  readonly #copies = new Map<Page, Page>();
  readonly #fresh: Page[] = [];
  readonly #moved = new Map<string, Page | undefined>();
  #open: { page: Page; entries: number; bytes: number } | undefined;

  constructor(
    readonly directory: Directory,
    private readonly pages: Page[],
    private readonly before: (key: string) => Page | undefined,
  ) {}

  entry(key: string): Entry | undefined {
    return this.#moved.has(key) ? this.#moved.get(key)?.entries.get(key) : this.directory.entry(key);
  }

  put(entry: Entry): void {
    const page = this.#pageOf(entry.key);
    if (page) {
      page.entries.set(entry.key, entry);
      if (page.bytes() <= 2 * BYTES || page.entries.size === 1) return;
      // It outgrew its page.
      page.entries.delete(entry.key);
    }
    const room = this.#room();
    room.page.entries.set(entry.key, entry);
    room.entries += 1;
    room.bytes += sizeOf(entry);
    this.#moved.set(entry.key, room.page);
  }

  delete(key: string): void {
    this.#pageOf(key)?.entries.delete(key);
    this.#moved.set(key, undefined);
  }

  /** Each touched page as it was (none: it is new) and as it is to be. */
  touched(): [Page | undefined, Page][] {
    return [...this.#copies, ...this.#fresh.map((page): [undefined, Page] => [undefined, page])];
  }

  /** The copy, to be changed, of the page that has this key now. */
  #pageOf(key: string): Page | undefined {
    if (this.#moved.has(key)) return this.#moved.get(key);
    const page = this.before(key);
    return page && this.#copy(page);
  }

  #copy(page: Page): Page {
    let copy = this.#copies.get(page);
    if (!copy) {
      copy = new Page('', new Map(page.entries));
      this.#copies.set(page, copy);
      for (const key of copy.entries.keys()) if (!this.#moved.has(key)) this.#moved.set(key, copy);
    }
    return copy;
  }

  /** The page that new entries go to. */
  #room(): { page: Page; entries: number; bytes: number } {
    const open = this.#open;
    if (open && open.entries < ENTRIES && open.bytes < BYTES) return open;
    const now = (page: Page) => ({ page, entries: page.entries.size, bytes: page.bytes() });
    const hasRoom = (page: Page) => page.entries.size < ENTRIES && page.bytes() < BYTES;
    const found = this.pages.find((page) => hasRoom(this.#copies.get(page) ?? page));
    if (found) {
      this.#open = now(this.#copy(found));
    } else {
      const page = new Page('', new Map());
      this.#fresh.push(page);
      this.#open = now(page);
    }
    return this.#open;
  }
}
