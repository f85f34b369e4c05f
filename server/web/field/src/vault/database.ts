/**
 * The IndexedDB database of one profile, and what the browser's refusals are called.
 *   meta    key slots, the device key (sealed), the count of wrong tries, who holds the profile now
 *   small   sealed rows that are read at unlock: rows of tables in memory, pages of directories
 *   large   sealed chunks of bodies, read one by one
 * Not here: sealing (seal.ts), which profiles there are (profiles.ts).
 */
import { deleteDB, type IDBPDatabase, openDB } from 'idb';
import type { Bytes } from './bytes';
import { VaultError } from './errors';
import type { Store } from './seal';

export type Database = IDBPDatabase;
/** A row of `small` or `large`: its random id and its sealed bytes. */
export type Row = [id: string, sealed: Bytes];

const VERSION = 1;

/** Opens the database of a profile; makes it only when told to. `closed`: it is being deleted elsewhere. */
export async function open(name: string, make: boolean, closed: () => void = () => undefined): Promise<Database> {
  return named(async () => {
    const database = await openDB(name, VERSION, {
      upgrade(made, _before, _after, tx) {
        if (!make) {
          tx.done.catch(() => undefined);
          return tx.abort();
        }
        for (const store of ['meta', 'small', 'large']) made.createObjectStore(store);
      },
      blocking() {
        database.close();
        closed();
      },
      terminated: closed,
    });
    return database;
  }, make ? 'storage_refused' : 'unknown_profile');
}

/** Deletes a database; other tabs that have it open are told to let go. */
export async function remove(name: string): Promise<void> {
  await named(() => deleteDB(name));
}

/** Reads one value of `meta`. */
export async function meta<T>(database: Database, key: string): Promise<T | undefined> {
  return named(() => database.get('meta', key) as Promise<T | undefined>);
}

/**
 * Changes `meta` in one durable transaction. `change` gets the value as it is and answers with the one that is to be;
 * undefined deletes it.
 */
export async function changeMeta<T>(
  database: Database,
  key: string,
  change: (now: T | undefined) => T | undefined,
): Promise<T | undefined> {
  return named(async () => {
    const tx = database.transaction('meta', 'readwrite', { durability: 'strict' });
    const done = tx.done;
    done.catch(() => undefined);
    const next = change((await tx.store.get(key)) as T | undefined);
    await settled(next === undefined ? [tx.store.delete(key)] : [tx.store.put(next, key)], done);
    return next;
  });
}

/** Every row of `small`, or what is in `large`, by their ids. */
export async function rows(database: Database, store: Store): Promise<Row[]> {
  return named(async () => {
    const tx = database.transaction(store);
    const [ids, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done]);
    return ids.map((id, i): Row => [id as string, values[i] as Bytes]);
  });
}

/** The sealed rows of these ids, in their order; none where one is missing. */
export async function some(database: Database, store: Store, ids: string[]): Promise<(Bytes | undefined)[]> {
  return named(async () => {
    const tx = database.transaction(store);
    const [found] = await Promise.all([Promise.all(ids.map((id) => tx.store.get(id))), tx.done]);
    return found as (Bytes | undefined)[];
  });
}

/** What one write does to the rows. */
export interface RowChanges {
  add: { store: Store; row: Row }[];
  gone: { store: Store; id: string }[];
}

/**
 * Takes the profile over for this page: from here on every other page's `commit` fails. That, not the lock that the
 * browser lends, keeps two pages from writing over each other.
 */
export async function hold(database: Database, holder: string): Promise<void> {
  await changeMeta(database, 'holder', () => holder);
}

/** All of it in one durable transaction, or nothing: 'locked' if another page holds the profile now. */
export async function commit(database: Database, holder: string, changes: RowChanges): Promise<void> {
  return named(async () => {
    const tx = database.transaction(['meta', 'small', 'large'], 'readwrite', { durability: 'strict' });
    const done = tx.done;
    done.catch(() => undefined);
    if ((await tx.objectStore('meta').get('holder')) !== holder) {
      tx.abort();
      throw new VaultError('locked');
    }
    const requests: Promise<unknown>[] = [];
    try {
      for (const { store, row } of changes.add) requests.push(tx.objectStore(store).add(row[1], row[0]));
      for (const { store, id } of changes.gone) requests.push(tx.objectStore(store).delete(id));
    } catch {
      // It is over already, or a row could not be taken: then none is.
      abort(tx);
    }
    await settled(requests, done);
  });
}

function abort(tx: { abort(): void }): void {
  try {
    tx.abort();
  } catch {
    // It was aborted by somebody else.
  }
}

/** The end of a transaction. When it fails, its own reason counts, not that of a request it took with it. */
export async function settled(requests: Promise<unknown>[], done: Promise<void>): Promise<void> {
  await Promise.allSettled(requests);
  await done;
}

/** Runs `work`; what the browser throws becomes an outcome of the vault's. */
export async function named<T>(work: () => Promise<T>, missing: VaultError['code'] = 'storage_failed'): Promise<T> {
  try {
    if (typeof indexedDB === 'undefined') throw new VaultError('storage_refused');
    return await work();
  } catch (cause) {
    throw cause instanceof VaultError ? cause : new VaultError(outcome(cause, missing), { cause });
  }
}

function outcome(cause: unknown, missing: VaultError['code']): VaultError['code'] {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
  if (name === 'QuotaExceededError') return 'storage_full';
  if (name === 'SecurityError') return 'storage_refused';
  if (name === 'VersionError') return 'newer_format';
  // The connection was closed under a write: by the lock, or because the profile was deleted.
  if (name === 'InvalidStateError') return missing === 'storage_refused' ? missing : 'locked';
  return name === 'AbortError' ? missing : missing === 'storage_refused' ? missing : 'storage_failed';
}
