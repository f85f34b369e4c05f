/**
 * One tab per profile: a lock that the browser lends (Web Locks). Another tab may take it; whoever loses it is told.
 * Not here: what keeps a write of the one who lost it out (`hold` and `commit` in database.ts).
 */
import { VaultError } from './errors';

export interface Hold {
  release(): void;
}

/** Throws 'elsewhere' if another tab has it and it is not to be taken. `lost`: another tab took it. */
export async function take(profile: string, steal: boolean, lost: () => void): Promise<Hold> {
  const options: LockOptions = steal ? { steal: true } : { ifAvailable: true };
  let release: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (release = resolve));
  await new Promise<void>((resolve, reject) => {
    const over = navigator.locks.request(`vault ${profile}`, options, (lock) => {
      if (!lock) {
        reject(new VaultError('elsewhere'));
        return undefined;
      }
      resolve();
      return until;
    });
    // The browser refuses the promise of a lock that was stolen.
    over.catch(() => {
      reject(new VaultError('elsewhere'));
      lost();
    });
  });
  return { release };
}

/** Whether some tab has the profile open. */
export async function held(profile: string): Promise<boolean> {
  const locks = await navigator.locks.query();
  return (locks.held ?? []).some((lock) => lock.name === `vault ${profile}`);
}
