/**
 * What the pages work with: a door to the profiles of this phone, and behind it a desk, the unlocked profile.
 * These are the interfaces alone; `door.ts` and `open.ts` put vault, core and sync behind them, tests something small.
 */
import type { Signal } from "../ui/signal.ts";
import type { Trouble } from "../words/index.ts";
import type { Form, FormHash, FormVersion, Key, ListItem, Me, Obstacle, Opened, Policy, RecordId, RecordView, Save, Saved, Summary } from "../core/types.ts";
import type { EnrolLink } from "./link.ts";

export interface Profile {
  id: string;
  /** In clear on the phone; empty unless the person wanted one. */
  label: string;
}

export type EnrolStep = "keys" | "server" | "sync";

/** What did not happen, in words for people. */
export class Refused extends Error {
  constructor(readonly trouble: Trouble, readonly wait = 0) {
    super(trouble.key);
  }
}

export interface Door {
  profiles(): Promise<Profile[]>;
  /** Sets up a new profile. Throws `Refused`; the same link may be tried again. */
  enrol(link: EnrolLink, secret: string, label: string, step: (step: EnrolStep) => void): Promise<Desk>;
  /** "unfinished": it opened, and was never set up to the end. */
  unlock(profile: string, secret: string, takeOver: boolean): Promise<Desk | "unfinished">;
  /** Finishes the set-up of the profile that was just opened. */
  finish(link: EnrolLink, step: (step: EnrolStep) => void): Promise<Desk>;
  /** Milliseconds until a secret may be tried. */
  wait(profile: string): Promise<number>;
  rename(profile: string, label: string): Promise<void>;
  /** Destroys a profile with all that is in it. */
  remove(profile: string): Promise<void>;
  /** Whether the browser promised to keep what is stored; asks it. */
  kept(): Promise<boolean>;
}

/** The steps of the core that pages and forms need. */
export interface Records {
  view(record: RecordId): Promise<RecordView>;
  create(form: FormHash): Promise<Opened>;
  open(record: RecordId, form?: FormHash): Promise<Opened>;
  takeOver(record: RecordId, form?: FormHash): Promise<Opened>;
  refresh(session: number): Promise<Opened>;
  changedSince(session: number): Promise<Key[]>;
  save(session: number, save: Save): Promise<Saved>;
  close(session: number): Promise<void>;
  obstacles(confirm: "copied" | "stored"): Promise<Obstacle[]>;
  empty(confirm: "copied" | "stored"): Promise<number>;
  forms(): Promise<FormVersion[]>;
  form(hash: FormHash): Promise<Form>;
  policies(formId: string): Promise<Policy[]>;
}

export interface SyncState {
  running: boolean;
  /** Changes acknowledged in this run, of those that there were when it began. */
  done: number;
  all: number;
  /** Bytes on the wire in this run. */
  sent: number;
  received: number;
  /** When a run last reached its end, in milliseconds since 1970; 0: never. */
  last: number;
  today: { sent: number; received: number };
  trouble: Trouble | undefined;
}

/** Kept sealed with the profile. */
export interface Settings {
  /** Minutes untouched until it locks. */
  idle: number;
  /** Seconds behind another app until it locks. */
  hidden: number;
  /** Refusals of consent: a number and nothing else. */
  refusals: number;
}

export interface Desk {
  profile: string;
  me: Signal<Me>;
  items: Signal<ListItem[]>;
  summary: Signal<Summary>;
  sync: Signal<SyncState>;
  settings: Signal<Settings>;
  records: Records;
  /** Resolves when the run has ended, well or not; what went wrong stands in `sync`. */
  syncNow(): Promise<void>;
  change(settings: Partial<Settings>): Promise<void>;
  changeSecret(before: string, after: string): Promise<void>;
  /** Before the camera or a file picker hides the page. */
  expectAbsence(): void;
  lock(): Promise<void>;
  /** Called once, when it locks for whatever reason. */
  onLock(heard: (trouble: Trouble | undefined) => void): void;
}
