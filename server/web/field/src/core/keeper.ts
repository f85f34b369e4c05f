// Where rows are kept: an interface, implemented by the vault (sealed, IndexedDB) and here in memory for tests.
// Not here: what stands in a row; that is the core's business.

/** One row that changed. */
export interface Change {
  table: string;
  key: string;
  /** null: the row is gone. */
  value: Uint8Array | null;
  /** Lazy tables: what the list shows of it. */
  brief?: Uint8Array;
}

/** A row of a table that lives in memory. */
export interface StoredRow {
  table: string;
  key: string;
  value: Uint8Array;
}

/** Tables whose rows are read one by one, when a step needs them: records, and the bytes of attachments. */
export const LAZY: readonly string[] = ["held", "blob"];

/** Keeps the rows of one profile. */
export interface Keeper {
  /** Every row of every table that is not lazy. */
  eager(): Promise<StoredRow[]>;
  /** The keys of a lazy table with their briefs, without reading the rows. */
  briefs(table: string): Promise<{ key: string; brief: Uint8Array }[]>;
  /** One row of any table. */
  read(table: string, key: string): Promise<Uint8Array | undefined>;
  /** All of it or nothing, in one transaction. Resolved: it survives a power cut. Rejected: nothing was written. */
  write(changes: Change[]): Promise<void>;
}

/** Rows in memory, for tests. A copy of it is a copied phone. */
export class MemoryKeeper implements Keeper {
  private tables = new Map<string, Map<string, { value: Uint8Array; brief: Uint8Array }>>();
  /** Set by a test: the next write fails. */
  failNext = false;
  writes = 0;
  reads = 0;

  async eager(): Promise<StoredRow[]> {
    const out: StoredRow[] = [];
    for (const [table, rows] of this.tables) {
      if (LAZY.includes(table)) continue;
      for (const [key, row] of rows) out.push({ table, key, value: row.value.slice() });
    }
    return out;
  }
  async briefs(table: string): Promise<{ key: string; brief: Uint8Array }[]> {
    return [...(this.tables.get(table) ?? [])].map(([key, row]) => ({ key, brief: row.brief.slice() }));
  }
  async read(table: string, key: string): Promise<Uint8Array | undefined> {
    this.reads += 1;
    return this.tables.get(table)?.get(key)?.value.slice();
  }
  async write(changes: Change[]): Promise<void> {
    if (this.failNext) {
      this.failNext = false;
      throw new Error("the disk is full");
    }
    this.writes += 1;
    for (const { table, key, value, brief } of changes) {
      let rows = this.tables.get(table);
      if (!rows) this.tables.set(table, (rows = new Map()));
      if (value === null) rows.delete(key);
      else rows.set(key, { value: value.slice(), brief: (brief ?? new Uint8Array()).slice() });
    }
  }
  /** A copied phone. */
  copy(): MemoryKeeper {
    const out = new MemoryKeeper();
    for (const [table, rows] of this.tables) out.tables.set(table, new Map(rows));
    return out;
  }
}
