/**
 * What the core asks of whoever keeps its rows; the same shapes as `core/keeper.ts`.
 * Not here: how they are kept (rows.ts).
 */

/** Tables whose values stay at rest until somebody asks; all others live in memory. */
export const LAZY: ReadonlySet<string> = new Set(['held', 'blob']);

export interface Change {
  table: string;
  key: string;
  /** null: gone. */
  value: Uint8Array | null;
  /** Lazy tables: what the list shows. Left out: as before. */
  brief?: Uint8Array;
}

export interface Keeper {
  /** Every row of the tables that live in memory. */
  eager(): Promise<{ table: string; key: string; value: Uint8Array }[]>;
  /** The keys of a lazy table with their briefs. */
  briefs(table: string): Promise<{ key: string; brief: Uint8Array }[]>;
  read(table: string, key: string): Promise<Uint8Array | undefined>;
  /** Resolved: all of it is durable. Rejected: none of it was written. */
  write(changes: Change[]): Promise<void>;
}
