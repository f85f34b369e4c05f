// What the core (sync-core as WASM) says and takes, as types. The spelling of keys and values is that of the wire:
// schemas/sync-protocol.md. Not here: what a question is (form/), how rows are sealed (vault/), any text for people (words/).

/** "f12", "g3.<row>.f13", "g3.<row>.row", "m.status", "m.assignee", "m.deleted", "m.comment.<16 hex>"; "x40.…" for kinds this build does not know. */
export type Key = string;

/** An object with one member, its type. A kind that this build does not know comes as {"x40": "<base64>"} and is kept as it is. */
export type Value =
  | { null: true }
  | { bool: boolean }
  | { int: number }
  | { decimal: string }
  | { text: string }
  | { code: string }
  /** Sorted, without doubles. */
  | { codes: string[] }
  /** 2026-11-24 */
  | { date: string }
  /** 09:12:00.000 */
  | { time: string }
  /** 2026-11-24T09:12:33.250+07:00 */
  | { datetime: string }
  /** Latitude and longitude × 10⁷, altitude and accuracy in centimetres. */
  | { geo: [number, number, number | null, number | null] }
  | { attachment: { sha256: string; size: number; type: string } }
  /** A row stands: "<order>", or "<row around it>/<order>". */
  | { row: string }
  | { deleted: boolean }
  | { [opaque: `x${number}`]: string };

/** "actor:seq", the name of a changeset. */
export type Dot = string;
/** A record, 32 hexadecimal digits. */
export type RecordId = string;
/** A form version, 64 hexadecimal digits. */
export type FormHash = string;

/** Where the least safe of one's own changes of a record is; "none": this phone changed nothing in it. */
export type Whereabouts = "here" | "coordinator" | "sent" | "copied" | "none";

/** One answer that lives, with who gave it. */
export interface Live {
  value: Value;
  dot: Dot;
  actor: number;
  /** The name to show; empty if the phone was not told yet. */
  by: string;
  /** Milliseconds since 1970 by the clock of whoever gave it. For showing only: no clock decides anything. */
  at: number;
  /** This profile gave it. */
  mine: boolean;
}

export interface Comment {
  id: string;
  by: string;
  at: number;
  text: string;
  mine: boolean;
}

export interface Row {
  /** The field id of the repeat. */
  group: number;
  /** 16 hexadecimal digits. */
  row: string;
  /** The row around it, in a repeat inside a repeat. */
  parent?: string;
  /** Rows stand in the order of this text, then of `row`. */
  order: string;
  deleted: boolean;
  /** Somebody deleted it who had not seen all that is in it: it stands, and is shown with a note. */
  contested: boolean;
}

/** "draft", "complete", "returned", "approved", "rejected"; "" before anybody said. */
export type Status = string;

export interface RecordView {
  record: RecordId;
  /** The version that it was made with. */
  form: FormHash;
  formId: string;
  status: Status;
  /** While it is returned: the last comment that somebody else wrote. */
  returned?: Comment;
  /** A user or a team, as text. */
  assignee?: string;
  comments: Comment[];
  /** All live values of every question, the one that an export shows first. More than one distinct value is a conflict. */
  answers: Record<Key, Live[]>;
  rows: Row[];
  /** Keys with more than one distinct answer; may hold "m.status". */
  conflicts: Key[];
  whereabouts: Whereabouts;
  deleted: boolean;
  contested: boolean;
}

/** One line of the list: from the brief, without reading the record. */
export interface ListItem {
  record: RecordId;
  form: FormHash;
  formId: string;
  /** The first words of it, for showing and searching; at most some 200 bytes. */
  words: string[];
  status: Status;
  assignee?: string;
  /** Milliseconds since 1970 of the last change, by the clock of whoever made it. */
  changed: number;
  conflict: boolean;
  deleted: boolean;
  /** This profile made it, or changed it. */
  mine: boolean;
  whereabouts: Whereabouts;
  /** A form session has it open. */
  session?: number;
}

/** A record open in a form. What the person saw is the context of every save. */
export interface Opened {
  session: number;
  /** Not there while the record was never saved. */
  view?: RecordView;
  record: RecordId;
  form: FormHash;
}

export interface Decision {
  key: Key;
  /** The live values that it lowers, all of which were shown. */
  dots: Dot[];
  reason: string;
}

export interface Save {
  writes: [Key, Value][];
  decisions?: Decision[];
  /** Questions with several answers that were shown with all of them. */
  shown?: Key[];
}

export interface Saved {
  dot: Dot;
  /** As the session sees it now. */
  view: RecordView;
}

export interface FormPackage {
  form_id: string;
  xform_sha256: string;
  attachments: { name: string; sha256: string }[];
  /** In document order. `type` as in the codebook: text, integer, …, group, repeat, row_id. */
  fields: { path: string; id: number; type: string; seal: boolean; sensitivity: string }[];
}

export interface FormVersion {
  hash: FormHash;
  formId: string;
  title: string;
  /** The newest on this phone of its form: new records are made with it. */
  newest: boolean;
}

export interface Form extends FormVersion {
  pkg: FormPackage;
  xform: string;
}

/** How several answers to one question read as one (schemas/sync-protocol.md, policies). */
export interface Policy {
  form_id: string;
  field: number;
  policy: "single" | "protective" | "union";
  /** protective: from the least to the most protective. */
  order?: string[];
  consent?: string[];
  decide?: string[];
}

export interface Summary {
  /** Changes that are only on this phone. */
  unsent: number;
  /** On the server, in no copy off its machine yet. */
  stored: number;
  copied: number;
  withCoordinator: number;
  records: number;
}

export type Obstacle =
  | { kind: "unsent" | "not_copied" | "with_coordinator"; dot: Dot; record?: RecordId }
  | { kind: "form_open"; record: RecordId }
  | { kind: "unsettled" };

export type Role = "worker" | "reviewer" | "coordinator" | "org_admin";

/** Where this profile belongs. */
export interface Account {
  /** Scheme, host and port. */
  server: string;
  organisation: string;
  organisationName: string;
  userName: string;
  /** SHA-256 of the organisation's root key, pinned at enrolment. */
  root: string;
  label?: string;
}

export interface Me {
  account: Account;
  org: string;
  profile: string;
  user: string;
  role: Role;
  revoked: boolean;
  /** Form versions to fetch. */
  wanted: FormHash[];
}

/** Why a step did not happen: a code that the pages have words for, and never an answer. */
export type CoreCode =
  | "not_enrolled"
  | "nothing_changed"
  | "not_shown"
  | "needs_decision"
  | "not_allowed"
  | "decision_incomplete"
  | "role"
  | "comment_written"
  | "reply_not_signed"
  | "reply_mismatch"
  | "reply_unreadable"
  | "record_unknown"
  | "record_exists"
  | "form_unknown"
  | "form_open"
  | "form_closed"
  | "form_damaged"
  | "revoked"
  | "not_empty"
  | "untrusted"
  | "too_large"
  | "store"
  | "input";

/** A step that did not happen. Nothing changed. */
export class CoreError extends Error {
  constructor(
    readonly code: CoreCode,
    /** The question that it is about. */
    readonly key?: Key,
    /** form_open: the session that has it. */
    readonly session?: number,
  ) {
    super(code);
    this.name = "CoreError";
  }
}

/** The next call of a sync run. */
export interface NextRequest {
  path: string;
  contentType: string;
  body: Uint8Array;
  /** Changes in it. */
  items: number;
}

/** How a run goes on after an answer. */
export type Next = { next: "again" } | { next: "later"; code: string } | { next: "stop"; code: string };
