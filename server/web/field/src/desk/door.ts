/**
 * The way in: profiles of this phone, opened by their secrets; new ones set up from a link.
 * Not here: how a secret opens a profile (vault/), what is done behind the door (open.ts).
 */
import init from "../core/made/core";
import { Phone } from "../core/phone.ts";
import { enrol, overFetch } from "../sync/index.ts";
import { askToKeep } from "../vault/storage.ts";
import type { Unlocked } from "../vault/unlocked.ts";
import { openVault } from "../vault/vault.ts";
import { type Desk, type Door, type EnrolStep, type Profile, Refused } from "./desk.ts";
import type { EnrolLink } from "./link.ts";
import { openDesk } from "./open.ts";
import { refused } from "./troubles.ts";

export function realDoor(): Door {
  return new RealDoor();
}

function load(): Promise<unknown> {
  return init({ module_or_path: "core.wasm" });
}

class RealDoor implements Door {
  readonly #vault = openVault({ worker: () => new Worker("derive.js", { type: "module" }) });
  /** Loaded while the secret is typed; tried again where that failed. */
  #wasm: Promise<unknown> = load().catch(() => undefined);
  /** A profile that is open and not set up to its end: the same link goes on with it. */
  #begun: { unlocked: Unlocked; phone: Phone } | undefined;

  profiles(): Promise<Profile[]> {
    return this.#try(() => this.#vault.profiles());
  }

  enrol(link: EnrolLink, secret: string, label: string, step: (step: EnrolStep) => void): Promise<Desk> {
    return this.#try(async () => {
      step("keys");
      // Tried again: an answer that was lost is only given again to the same key.
      if (await this.#opensBegun(secret)) return this.#finish(link, label, step);
      const unlocked = await this.#vault.create(label, secret);
      await this.#begin(unlocked);
      return this.#finish(link, label, step);
    });
  }

  unlock(profile: string, secret: string, takeOver: boolean): Promise<Desk | "unfinished"> {
    return this.#try(async () => {
      const unlocked = await this.#vault.unlock(profile, secret, { takeOver });
      const phone = await this.#begin(unlocked);
      if (!(await phone.me())) return "unfinished";
      this.#begun = undefined;
      const desk = await openDesk(unlocked, phone);
      void desk.syncNow();
      return desk;
    });
  }

  finish(link: EnrolLink, step: (step: EnrolStep) => void): Promise<Desk> {
    return this.#try(() => this.#finish(link, "", step));
  }

  async wait(profile: string): Promise<number> {
    return this.#vault.wait(profile);
  }

  rename(profile: string, label: string): Promise<void> {
    return this.#try(() => this.#vault.rename(profile, label));
  }

  remove(profile: string): Promise<void> {
    return this.#try(() => this.#vault.wipe(profile, "everything"));
  }

  async kept(): Promise<boolean> {
    return (await askToKeep()).kept;
  }

  async #begin(unlocked: Unlocked): Promise<Phone> {
    try {
      if (!(await this.#wasm)) await (this.#wasm = load());
      const phone = await Phone.open(unlocked.keeper);
      this.#begun = { unlocked, phone };
      return phone;
    } catch (error) {
      await unlocked.lock();
      throw error;
    }
  }

  /** Whether the profile that was begun has this secret; one with another holds nothing yet and goes. */
  async #opensBegun(secret: string): Promise<boolean> {
    const begun = this.#begun?.unlocked;
    if (!begun || begun.locked) return false;
    try {
      await begun.takeBack(secret);
      return true;
    } catch {
      this.#begun = undefined;
      await this.#vault.wipe(begun.id, "everything");
      return false;
    }
  }

  async #finish(link: EnrolLink, label: string, step: (step: EnrolStep) => void): Promise<Desk> {
    if (!this.#begun || this.#begun.unlocked.locked) throw new Refused({ key: "trouble_locked" });
    const { unlocked, phone } = this.#begun;
    step("server");
    await enrol(phone, overFetch(location.origin), await unlocked.deviceKey(), link, label || undefined);
    this.#begun = undefined;
    const desk = await openDesk(unlocked, phone);
    step("sync");
    // The forms are here already; without a network now, the rest comes later.
    await desk.syncNow();
    return desk;
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw refused(error);
    }
  }
}
