/**
 * The rows of an unlocked profile: seals what the core writes, opens what it reads, and keeps in memory where each row
 * lies. A row is written once: a new value goes to a new random id, and the old row is deleted in the same transaction. So
 * an old body put back by somebody is a row that no directory names.
 * Not here: the transaction (database.ts), the seal (seal.ts), who may use it when (lock.ts).
 */
import { type Change, type Keeper, LAZY } from '../core/keeper';
import { type Bytes, concat, hex, random } from './bytes';
import { type Entry, read, write } from './content';
import { commit, type Database, rows, type RowChanges, some } from './database';
import { Directory, type DirectoryPlan } from './directory';
import { VaultError } from './errors';
import type { Seal } from './seal';

/** A larger body lies in several rows. */
const CHUNK = 256 * 1024;

type EagerRow = { table: string; key: string; value: Bytes };

export class Rows implements Keeper {
  readonly #directories = new Map<string, Directory>();
  /** The row of each key of the tables in memory. */
  readonly #ids = new Map<string, string>();
  /** What `load` read, until the core has taken it. */
  #loaded: EagerRow[] | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #open = true;

  constructor(
    private readonly database: Database,
    private readonly seal: Seal,
    private readonly holder: string,
  ) {
    for (const table of LAZY) this.#directories.set(table, new Directory(table));
  }

  /** Opens every row of `small`. Once, before anything else. */
  async load(): Promise<void> {
    const contents = await this.#small();
    this.#loaded = [];
    for (const { id, content } of contents) {
      if (content.kind === 'page') {
        this.#directory(content.table).take(id, content.entries);
        continue;
      }
      const name = nameOf(content.table, content.key);
      // Two rows for one key: an old row was put back.
      if (this.#ids.has(name)) throw new VaultError('damaged');
      this.#ids.set(name, id);
      this.#loaded.push(content);
    }
  }

  async eager(): Promise<EagerRow[]> {
    return this.#inTurn(async () => {
      const loaded = this.#loaded;
      this.#loaded = undefined;
      if (loaded) return loaded;
      return (await this.#small()).flatMap(({ content }) => (content.kind === 'row' ? [content] : []));
    });
  }

  async briefs(table: string): Promise<{ key: string; brief: Bytes }[]> {
    return this.#inTurn(async () => this.#directory(table).entries().map(({ key, brief }) => ({ key, brief })));
  }

  async read(table: string, key: string): Promise<Bytes | undefined> {
    return this.#inTurn(async () => {
      if (LAZY.includes(table)) {
        const entry = this.#directory(table).entry(key);
        return entry && this.#body(entry);
      }
      const id = this.#ids.get(nameOf(table, key));
      if (id === undefined) return undefined;
      const [sealed] = await some(this.database, 'small', [id]);
      const content = read(await this.seal.open('small', id, there(sealed)));
      if (content.kind !== 'row' || content.table !== table || content.key !== key) throw new VaultError('damaged');
      return content.value;
    });
  }

  async write(changes: Change[]): Promise<void> {
    return this.#inTurn(async () => {
      if (changes.length === 0) return;
      const plan = new Plan(this.seal, this.#directories, (name) => this.#ids.get(name));
      await plan.make(changes);
      this.#loaded = undefined;
      await commit(this.database, this.holder, plan.rows);
      for (const [name, id] of plan.ids) {
        if (id === undefined) this.#ids.delete(name);
        else this.#ids.set(name, id);
      }
      for (const [table, directory] of plan.directories) this.#directory(table).apply(directory);
    });
  }

  /** Nothing new is begun; resolves when what was begun before has ended. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#last;
    this.#loaded = undefined;
    this.#ids.clear();
    this.#directories.clear();
    this.database.close();
  }

  /** One after the other: a plan is only good for the state it was made from. */
  async #inTurn<T>(step: () => Promise<T>): Promise<T> {
    if (!this.#open) throw new VaultError('locked');
    const turn = this.#last.then(step);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #directory(table: string): Directory {
    const directory = this.#directories.get(table);
    if (!directory) throw new VaultError('newer_format');
    return directory;
  }

  async #small() {
    const sealed = await rows(this.database, 'small');
    return Promise.all(
      sealed.map(async ([id, row]) => ({ id, content: read(await this.seal.open('small', id, row)) })),
    );
  }

  async #body(entry: Entry): Promise<Bytes> {
    const sealed = await some(this.database, 'large', entry.chunks);
    const chunks = await Promise.all(
      entry.chunks.map((id, i) => this.seal.open('large', id, there(sealed[i]))),
    );
    return concat(...chunks);
  }
}

/** What one write comes to: sealed rows, and where things lie once it is durable. */
class Plan {
  readonly rows: RowChanges = { add: [], gone: [] };
  readonly ids = new Map<string, string | undefined>();
  readonly directories = new Map<string, DirectoryPlan>();

  constructor(
    private readonly seal: Seal,
    private readonly now: ReadonlyMap<string, Directory>,
    private readonly idNow: (name: string) => string | undefined,
  ) {}

  async make(changes: Change[]): Promise<void> {
    const sealing: Promise<void>[] = [];
    // The last change of a key is the one that counts.
    for (const change of new Map(changes.map((c) => [nameOf(c.table, c.key), c])).values()) {
      sealing.push(LAZY.includes(change.table) ? this.#lazy(change) : this.#eager(change));
    }
    await Promise.all(sealing);
    for (const [table, directory] of this.directories) await this.#pages(table, directory);
  }

  async #eager({ table, key, value }: Change): Promise<void> {
    const name = nameOf(table, key);
    const before = this.idNow(name);
    if (before !== undefined) this.rows.gone.push({ store: 'small', id: before });
    if (value === null) {
      this.ids.set(name, undefined);
      return;
    }
    const id = newId();
    this.ids.set(name, id);
    await this.#add('small', id, write({ kind: 'row', table, key, value: value as Bytes }));
  }

  async #lazy({ table, key, value, brief }: Change): Promise<void> {
    const directory = this.#directory(table);
    const before = directory.entry(key);
    for (const id of before?.chunks ?? []) this.rows.gone.push({ store: 'large', id });
    if (value === null) {
      directory.delete(key);
      return;
    }
    const chunks = Array.from({ length: Math.max(1, Math.ceil(value.length / CHUNK)) }, newId);
    directory.put({ key, brief: brief ? concat(brief) : (before?.brief ?? concat()), chunks });
    const part = (i: number) => value.subarray(i * CHUNK, (i + 1) * CHUNK);
    await Promise.all(chunks.map((id, i) => this.#add('large', id, part(i))));
  }

  async #pages(table: string, directory: DirectoryPlan): Promise<void> {
    for (const [old, page] of directory.touched()) {
      if (old) this.rows.gone.push({ store: 'small', id: old.id });
      if (page.entries.size === 0) continue;
      page.id = newId();
      await this.#add('small', page.id, write({ kind: 'page', table, entries: [...page.entries.values()] }));
    }
  }

  #directory(table: string): DirectoryPlan {
    let plan = this.directories.get(table);
    if (!plan) {
      const now = this.now.get(table);
      if (!now) throw new VaultError('locked');
      plan = now.plan();
      this.directories.set(table, plan);
    }
    return plan;
  }

  async #add(store: 'small' | 'large', id: string, content: Uint8Array): Promise<void> {
    this.rows.add.push({ store, row: [id, await this.seal.close(store, id, content)] });
  }
}

function newId(): string {
  return hex(random(16));
}

function nameOf(table: string, key: string): string {
  return `${table}\u0000${key}`;
}

function there(sealed: Bytes | undefined): Bytes {
  if (!sealed) throw new VaultError('damaged');
  return sealed;
}
