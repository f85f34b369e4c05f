/**
 * A desk over an unlocked profile: the core's steps, syncing when there is a network, and what is kept beside them.
 * Not here: getting in (door.ts), what the pages show (pages/).
 */
import type { Phone } from "../core/phone.ts";
import type { ListItem, Me, Summary } from "../core/types.ts";
import { Counter, overFetch, Proof, sync, today } from "../sync/index.ts";
import { signal } from "../ui/signal.ts";
import type { Unlocked } from "../vault/unlocked.ts";
import type { Trouble } from "../words/index.ts";
import type { Desk, Settings, SyncState } from "./desk.ts";
import { refused, troubleOf } from "./troubles.ts";

/** Rows of the app itself, sealed like all others. The core passes them over. */
const TABLE = "app";
interface Kept extends Settings {
  /** When a run last reached its end. */
  lastSync: number;
}
const FIRST: Kept = { idle: 5, hidden: 15, refusals: 0, lastSync: 0 };
/** A run that failed is tried again by itself after that long, while the app is open and there is a network. */
const AGAIN_MS = 5 * 60_000;

export async function openDesk(unlocked: Unlocked, phone: Phone): Promise<Desk> {
  const me = await phone.me();
  if (!me) throw new Error("not enrolled");
  const desk = new RealDesk(unlocked, phone, me, await kept(unlocked), await Counter.open(unlocked.keeper));
  await desk.begin();
  return desk;
}

async function kept(unlocked: Unlocked): Promise<Kept> {
  const row = await unlocked.keeper.read(TABLE, "settings");
  return row ? { ...FIRST, ...(JSON.parse(new TextDecoder().decode(row)) as Partial<Kept>) } : FIRST;
}

class RealDesk implements Desk {
  readonly profile: string;
  readonly me;
  readonly items = signal<ListItem[]>([]);
  readonly summary = signal<Summary>({ unsent: 0, stored: 0, copied: 0, withCoordinator: 0, records: 0 });
  readonly sync;
  readonly settings;
  readonly records: Phone;
  #kept: Kept;
  #reading: Promise<void> | undefined;
  #again = false;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stop = new AbortController();

  constructor(private readonly unlocked: Unlocked, phone: Phone, me: Me, settings: Kept, private readonly counter: Counter) {
    this.profile = unlocked.id;
    this.records = phone;
    this.me = signal(me);
    this.#kept = settings;
    this.settings = signal<Settings>(settings);
    this.sync = signal<SyncState>({ running: false, done: 0, all: 0, sent: 0, received: 0, last: settings.lastSync, today: counter.of(today()), trouble: undefined });
  }

  async begin(): Promise<void> {
    this.#rules();
    await this.#read();
    const changed = this.records.onChange(() => void this.#read());
    const online = () => void this.syncNow();
    addEventListener("online", online);
    this.unlocked.onLock(() => {
      this.#stop.abort();
      clearTimeout(this.#timer);
      removeEventListener("online", online);
      changed();
      void this.records.lock();
    });
  }

  syncNow(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async change(settings: Partial<Settings>): Promise<void> {
    await this.#keep(settings);
    this.settings.value = this.#kept;
    this.#rules();
  }

  async changeSecret(before: string, after: string): Promise<void> {
    try {
      await this.unlocked.changeSecret(before, after);
    } catch (error) {
      throw refused(error);
    }
  }

  expectAbsence(): void {
    this.unlocked.expectAbsence();
  }

  lock(): Promise<void> {
    return this.unlocked.lock();
  }

  onLock(heard: (trouble: Trouble | undefined) => void): void {
    this.unlocked.onLock((reason) => heard(reason === "elsewhere" ? { key: "trouble_elsewhere" } : reason === "wiped" ? { key: "trouble_wiped" } : undefined));
  }

  /** One run; the next one waits for it. */
  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    const set = (change: Partial<SyncState>) => (this.sync.value = { ...this.sync.peek(), ...change });
    const used = { sent: 0, received: 0 };
    set({ running: true, trouble: undefined, done: 0, all: this.summary.peek().unsent, sent: 0, received: 0 });
    try {
      const proof = new Proof(overFetch(location.origin, (moved) => {
        used.sent += moved.sent;
        used.received += moved.received;
        set({ sent: used.sent, received: used.received });
      }), await this.unlocked.deviceKey(), this.me.peek().profile);
      await sync(this.records, proof, { signal: this.#stop.signal, moved: (p) => set({ done: p.sent, all: p.toSend }) });
      await this.#keep({ lastSync: Date.now() });
      set({ last: this.#kept.lastSync });
    } catch (error) {
      if (this.unlocked.locked) return;
      set({ trouble: troubleOf(error) });
      this.#timer = setTimeout(() => void (navigator.onLine && this.syncNow()), AGAIN_MS);
    } finally {
      // What was used counts, however the run ended.
      if (!this.unlocked.locked) await this.counter.add(used).catch(() => undefined);
      set({ running: false, today: this.counter.of(today()) });
    }
  }

  async #keep(change: Partial<Kept>): Promise<void> {
    this.#kept = { ...this.#kept, ...change };
    const value = new TextEncoder().encode(JSON.stringify(this.#kept));
    await this.unlocked.keeper.write([{ table: TABLE, key: "settings", value }]);
  }

  #rules(): void {
    this.unlocked.setRules({ idle: this.#kept.idle * 60_000, hidden: this.#kept.hidden * 1000 });
  }

  /** What the pages show of it, read once for many changes that come together. */
  #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = (async () => {
      do {
        this.#again = false;
        const [items, summary, me] = await Promise.all([this.records.list(), this.records.summary(), this.records.me()]);
        this.items.value = items;
        this.summary.value = summary;
        if (me) this.me.value = me;
      } while (this.#again);
    })().catch(() => undefined).finally(() => (this.#reading = undefined));
    return this.#reading;
  }
}
