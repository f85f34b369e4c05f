/**
 * The IndexedDB database of one profile, and what the browser's refusals are called.
 *   meta    key slots, the device key (sealed), the count of wrong tries, who holds the profile now
 *   small   sealed rows that are read at unlock: rows of tables in memory, pages of directories
 *   large   sealed chunks of bodies, read one by one
 * Not here: sealing (seal.ts), which profiles there are (profiles.ts).
 */
import { deleteDB, type IDBPDatabase, openDB } from 'idb';
import type { Bytes } from './bytes';
import { VaultError, type VaultTrouble } from './errors';
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

/** Deletes a database. Tabs that have it open are told to let go; while one does not, the browser deletes it later. */
export async function remove(name: string): Promise<void> {
  await named(() => new Promise<void>((resolve, reject) => void deleteDB(name, { blocked: () => resolve() }).then(resolve, reject)));
}

/** Empties a database, durably. No open tab can hold that up. */
export async function empty(database: Database): Promise<void> {
  await named(async () => {
    const stores = ['meta', 'small', 'large'];
    const tx = database.transaction(stores, 'readwrite', { durability: 'strict' });
    await settled(tx, stores.map((store) => () => tx.objectStore(store).clear()));
  });
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
    tx.done.catch(() => undefined);
    const next = change((await tx.store.get(key)) as T | undefined);
    await settled(tx, [() => (next === undefined ? tx.store.delete(key) : tx.store.put(next, key))]);
    return next;
  });
}

/** Every row of a store. */
export async function rows(database: Database, store: Store): Promise<Row[]> {
  return named(async () => {
    const tx = database.transaction(store);
    const [ids, values] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done]);
    return ids.map((id, i): Row => [id as string, values[i] as Bytes]);
  });
}

/** The ids of every row of a store. */
export async function ids(database: Database, store: Store): Promise<string[]> {
  return named(async () => (await database.getAllKeys(store)) as string[]);
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
    tx.done.catch(() => undefined);
    if ((await tx.objectStore('meta').get('holder')) !== holder) {
      tx.abort();
      throw new VaultError('locked');
    }
    await settled(tx, [
      ...changes.add.map(({ store, row }) => () => tx.objectStore(store).add(row[1], row[0])),
      ...changes.gone.map(({ store, id }) => () => tx.objectStore(store).delete(id)),
    ]);
  });
}

/** Does all the steps and waits for the transaction's end: all of them are durable, or none. */
export async function settled(tx: Transaction, steps: (() => Promise<unknown>)[]): Promise<void> {
  const requests: Promise<unknown>[] = [];
  tx.done.catch(() => undefined);
  try {
    for (const step of steps) requests.push(step());
  } catch {
    // It is over already, or a row could not be taken: then none is.
    abort(tx);
  }
  // When it fails, its own reason counts, not that of a request it took with it.
  await Promise.allSettled(requests);
  await tx.done;
}

interface Transaction {
  abort(): void;
  readonly done: Promise<void>;
}

function abort(tx: Transaction): void {
  try {
    tx.abort();
  } catch {
    // Somebody else aborted it.
  }
}

/**
 * Runs `work`; what the browser throws becomes an outcome of the vault's. `otherwise`: what it means here when the browser
 * gives no reason.
 */
export async function named<T>(work: () => Promise<T>, otherwise: VaultTrouble = 'storage_failed'): Promise<T> {
  try {
    if (typeof indexedDB === 'undefined') throw new VaultError('storage_refused');
    return await work();
  } catch (cause) {
    throw cause instanceof VaultError ? cause : new VaultError(outcome(cause, otherwise), { cause });
  }
}

function outcome(cause: unknown, otherwise: VaultTrouble): VaultTrouble {
  switch (cause instanceof Error ? cause.name : '') {
    case 'QuotaExceededError':
      return 'storage_full';
    case 'SecurityError':
      return 'storage_refused';
    case 'VersionError':
      return 'newer_format';
    case 'AbortError':
      return otherwise;
    case 'InvalidStateError':
      // The connection was closed under a step, by the lock or by a wipe; when opening, there is no storage.
      return otherwise === 'storage_failed' ? 'locked' : 'storage_refused';
    default:
      return otherwise === 'unknown_profile' ? 'storage_failed' : otherwise;
  }
}
