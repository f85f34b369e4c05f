/**
 * Which profiles are on this phone. In clear stand a random id and, if the person chose one, a label; nothing else.
 * Not here: what a profile holds (database.ts).
 */
import { openDB } from 'idb';
import { hex, random } from './bytes';
import { named, settled } from './database';

export interface Profile {
  /** 32 hexadecimal digits, also the name of its database. Random: unknown to the server. */
  id: string;
  /** What the person called it on this phone; empty unless they wanted one. */
  label: string;
}

const NAME = 'profiles';

export function newId(): string {
  return hex(random(16));
}

export async function list(): Promise<Profile[]> {
  return index(async (database) => (await database.getAll(NAME)) as Profile[]);
}

export async function put(profile: Profile): Promise<void> {
  return index(async (database) => {
    const tx = database.transaction(NAME, 'readwrite', { durability: 'strict' });
    await settled(tx, [() => tx.store.put(profile)]);
  });
}

export async function remove(id: string): Promise<void> {
  return index(async (database) => {
    const tx = database.transaction(NAME, 'readwrite', { durability: 'strict' });
    await settled(tx, [() => tx.store.delete(id)]);
  });
}

async function index<T>(work: (database: Awaited<ReturnType<typeof openDB>>) => Promise<T>): Promise<T> {
  return named(async () => {
    const database = await openDB(NAME, 1, {
      upgrade: (made) => void made.createObjectStore(NAME, { keyPath: 'id' }),
    });
    try {
      return await work(database);
    } finally {
      database.close();
    }
  }, 'storage_refused');
}
