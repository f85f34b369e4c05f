// Opens a form on a record: reads the XForm, fills an instance from what the record holds, and begins a session over it.
//
// Not here: drawing (render/).

import { createSHA256 } from "hash-wasm";

import type { FormPackage, Key, Policy, RecordView, Value } from "../core/types";
import { instanceText } from "./answers";
import { Consent } from "./consent";
import { type FormFiles, loadEngine, type LoadedForm } from "./engine";
import { Fields, keyOf } from "./keys";
import { ROW_FIELD, rowsOf } from "./seats";
import type { SessionOptions } from "./answer";
import { Session } from "./session";
import { type Filling, instanceXml, readXForm, type XForm } from "./xform";

export interface OpenOptions {
  xform: string;
  pkg: FormPackage;
  view?: RecordView | undefined;
  policies?: readonly Policy[] | undefined;
  /** Changes of an earlier session that are not saved. */
  pending?: ReadonlyMap<Key, Value> | undefined;
  files: FormFiles;
  save: SessionOptions["save"];
  refused(): void;
  now?(): Date;
}

export async function openSession(options: OpenOptions): Promise<Session> {
  const { xform, loaded } = await read(options.xform, options.files);
  const fields = new Fields(options.pkg);
  const pending = options.pending ?? new Map<Key, Value>();
  const blank = options.view === undefined && pending.size === 0;
  const rowIdOf = await rowIds(fields);
  const instance = blank ? undefined : instanceXml(xform, filling(xform, fields, options.view, pending));
  const form = await loaded.open(instance);
  return new Session({
    form,
    xform,
    fields,
    consent: Consent.of(fields, xform, options.policies ?? []),
    view: options.view,
    pending,
    rowIdOf,
    save: options.save,
    refused: options.refused,
    now: options.now ?? (() => new Date()),
    after: (ms, what) => {
      const timer = setTimeout(what, ms);
      return () => clearTimeout(timer);
    },
  });
}

interface Read {
  xform: XForm;
  loaded: LoadedForm;
}

/** The form that was read last: the next interview is likely one more of it. */
let last: { text: string; read: Read } | undefined;

/** Lets go of it, and of whatever of an interview still hangs on it: for when the app is locked. */
export function forgetForms(): void {
  last = undefined;
}

async function read(text: string, files: FormFiles): Promise<Read> {
  if (last?.text === text) return last.read;
  const xform = await readXForm(text, files);
  const done = { xform, loaded: await loadEngine(xform.text, files) };
  if (!xform.usesFiles) last = { text, read: done };
  return done;
}

/** Reads the form that is likely opened next, and begins an instance for nothing, so that nobody waits for it later. For an idle moment. */
export async function warmUp(xform: string): Promise<void> {
  const { loaded } = await read(xform, async () => undefined);
  const form = await loaded.open();
  for (const node of form.all()) void node.relevant;
}

/** A row's id is the first 8 bytes of the SHA-256 of what the form drew for it; random in a form that draws nothing. */
async function rowIds(fields: Fields): Promise<(text: string) => string> {
  const hasRows = [...fields.all()].some((f) => f.type === "repeat");
  if (!hasRows) return () => "";
  const hasher = await createSHA256();
  return (text) => {
    if (text !== "") return hasher.init().update(text).digest("hex").slice(0, 16);
    return [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
  };
}

/** What the record holds, hidden or not: the instance keeps it under whatever hides it. */
function filling(xform: XForm, fields: Fields, view: RecordView | undefined, pending: ReadonlyMap<Key, Value>): Filling {
  const value = (key: Key) => pending.get(key) ?? view?.answers[key]?.[0]?.value;
  const rows = rowsOf(view, pending);
  return {
    isRepeat: (path) => fields.at(path)?.type === "repeat",
    rows: (path, around) => {
      const repeat = fields.at(path);
      const here = rows.filter((r) => r.group === repeat?.id && r.parent === around);
      // A draft in which nobody touched this repeat begins as the form does.
      if (here.length === 0 && xform.startRows.has(path) && ["", "draft"].includes(view?.status ?? "")) return [""];
      return here.filter((r) => !r.deleted).map((r) => r.row);
    },
    text: (path, row) => {
      if (path.endsWith(`/${ROW_FIELD}`)) return row ?? "";
      const field = fields.at(path);
      if (field === undefined || row === "") return undefined;
      const found = value(keyOf(field, row));
      // Files are named to the form once it is open.
      return found === undefined ? undefined : "attachment" in found ? "" : instanceText(found);
    },
  };
}
