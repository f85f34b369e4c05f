// Opens a form on a record: reads the XForm, fills an instance from what the record holds, and begins a session over it.
//
// Not here: drawing (render/).

import { createSHA256 } from "hash-wasm";

import type { FormPackage, Key, Policy, RecordView, Value } from "../core/types";
import { instanceText } from "./answers";
import { Consent } from "./consent";
import { type FormFiles, openEngine } from "./engine";
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
  const xform = await readXForm(options.xform, options.files);
  const fields = new Fields(options.pkg);
  const pending = options.pending ?? new Map<Key, Value>();
  const blank = options.view === undefined && pending.size === 0;
  const rowIdOf = await rowIds(fields);
  const instance = blank ? undefined : instanceXml(xform, filling(xform, fields, options.view, pending));
  const form = await openEngine(xform.text, options.files, instance);
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

const SMALL = `<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>w</h:title><model><instance><data id="w"><a/><b/><c/></data></instance><bind nodeset="/data/a" type="int" constraint=". &lt; 9"/><bind nodeset="/data/b" type="string" relevant="/data/a = 1"/></model></h:head><h:body><input ref="/data/a"><label>a</label></input><input ref="/data/b"><label>b</label></input><select1 ref="/data/c"><label>c</label><item><label>d</label><value>d</value></item></select1></h:body></h:html>`;

/** Opens a form of no use, so that the browser has the engine compiled before somebody waits for it. For an idle moment. */
export async function warmUp(): Promise<void> {
  const none = async () => undefined;
  const { text } = await readXForm(SMALL, none);
  const form = await openEngine(text, none);
  for (const node of form.all()) node.put("1");
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
