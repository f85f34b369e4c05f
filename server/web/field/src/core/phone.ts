// The phone: steps of the session, one after the other, each durable before it counts.
// (The steps follow; until then this file says what they are.)

import type { Keeper } from "./keeper.ts";
import type {
  Account, Decision, Form, FormHash, FormVersion, Key, ListItem, Me, Next, NextRequest, Obstacle, Opened, Policy, RecordId, RecordView,
  Save, Saved, Summary,
} from "./types.ts";

/** What the pages, the form and the sync use. Every promise that resolves is durable; every rejection changed nothing. */
export interface Phone {
  me(): Promise<Me | undefined>;
  list(): Promise<ListItem[]>;
  view(record: RecordId): Promise<RecordView>;
  /** A new record; it exists from its first save on. */
  create(form: FormHash): Promise<Opened>;
  open(record: RecordId, form?: FormHash): Promise<Opened>;
  takeOver(record: RecordId, form?: FormHash): Promise<Opened>;
  refresh(session: number): Promise<Opened>;
  /** Of these keys, those that somebody answered after this session was shown them. */
  changedSince(session: number): Promise<Key[]>;
  save(session: number, save: Save, now?: number): Promise<Saved>;
  close(session: number): Promise<void>;
  sessions(): Promise<Opened[]>;
  summary(): Promise<Summary>;
  obstacles(confirm: "copied" | "stored"): Promise<Obstacle[]>;
  /** Empties the phone; resolves to the number of records that went. */
  empty(confirm: "copied" | "stored"): Promise<number>;
  forms(): Promise<FormVersion[]>;
  form(hash: FormHash): Promise<Form>;
  policies(formId: string): Promise<Policy[]>;
  person(actor: number): Promise<{ name: string; user?: string } | undefined>;
  /** Starts a run of syncing. */
  beginRun(client: string): void;
  nextRequest(now?: number): Promise<NextRequest | undefined>;
  receive(status: number, body: Uint8Array): Promise<Next>;
  /** Is called after every step that changed rows. */
  onChange(heard: () => void): () => void;
}

export type { Account, Decision, Keeper };
