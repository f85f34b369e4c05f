// What the form needs from the XForm's text and the engine does not give: texts that fall back to the default language,
// guidance, our own attributes, what the form sets by itself; and the instance that a record is opened from.
//
// Not here: evaluating anything (engine.ts).

import type { FormFiles } from "./engine";
import { inlineXml } from "./instances";
import { type LabelOf, labelsOf } from "./labels";

export const TRIB = "https://tributary.invalid/xforms";
const XHTML = "http://www.w3.org/1999/xhtml";
const JR = "http://openrosa.org/javarosa";

/** What the engine does not tell, by path. */
export interface XForm {
  /** For the engine: missing translations filled in, guidance taken out. */
  text: string;
  title: string;
  /** Whether its choices come from files, which may arrive later than the form. */
  usesFiles: boolean;
  languages: string[];
  defaultLanguage: string;
  /** Guidance by language, of a question's path. */
  guidance: Map<string, Map<string, string>>;
  /** Codes that mean consent to store, of a question's path. */
  consent: Map<string, string[]>;
  /** Protective order, of a question's path. */
  protective: Map<string, string[]>;
  /** Paths that the form sets by itself when something is answered, or when it is opened. */
  setByForm: Set<string>;
  /** Paths of "end" timestamps. */
  ends: Set<string>;
  /** Calculations that must come out the same when the record is opened again: those with once(). */
  once: Set<string>;
  /** Labels of choices that are not offered now. */
  labelOf: LabelOf;
  /** Repeats that begin with a row. */
  startRows: Set<string>;
  /** The pattern of the instance, with one row for each repeat. */
  instance: Element;
}

/** Under Trusted Types parsing XML is a guarded sink: this page's default policy lets that one through and nothing else. */
export function allowParsing(): void {
  interface Factory {
    defaultPolicy: unknown;
    createPolicy(name: string, rules: { createHTML(text: string, type: string, sink: string): string | null }): unknown;
  }
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  if (factory === undefined || factory.defaultPolicy !== null) return;
  factory.createPolicy("default", {
    createHTML: (text, _type, sink) => (sink === "DOMParser parseFromString" ? text : null),
  });
}

export function parseXml(text: string): Document {
  allowParsing();
  const document = new DOMParser().parseFromString(text, "text/xml");
  if (document.querySelector("parsererror") !== null) throw new Error("form_unreadable");
  return document;
}

/** A path without prefixes and predicates: "/data/meta/instanceID". */
export function plainPath(path: string): string {
  return path
    .trim()
    .split("/")
    .map((step) => step.replace(/\[.*?\]/g, "").replace(/^[^:]+:/, ""))
    .join("/");
}

function child(of: Element, name: string): Element | undefined {
  for (const inner of of.children) if (inner.localName === name) return inner;
  return undefined;
}

/** Reads an XForm, with the form's files at hand. Throws where it is none. */
export async function readXForm(xml: string, files: FormFiles): Promise<XForm> {
  const document = parseXml(xml);
  const head = child(document.documentElement, "head");
  const model = head && child(head, "model");
  const instance = model && child(model, "instance");
  const root = instance?.firstElementChild;
  if (!head || !model || !root) throw new Error("form_unreadable");
  const usesFiles = [...model.children].some((e) => e.localName === "instance" && e.hasAttribute("src"));
  await inlineXml(model, files, parseXml);
  const texts = fillTexts(model);
  const out: XForm = {
    text: "",
    title: child(head, "title")?.textContent?.trim() ?? "",
    usesFiles,
    languages: texts.languages,
    defaultLanguage: texts.defaultLanguage,
    guidance: new Map(),
    consent: new Map(),
    protective: new Map(),
    setByForm: new Set(),
    ends: new Set(),
    once: new Set(),
    labelOf: labelsOf(model, child(document.documentElement, "body"), plainPath),
    startRows: new Set(),
    instance: pattern(root),
  };
  readBinds(model, out);
  findStartRows(root, `/${root.localName}`, out.startRows);
  readBody(document, texts, out);
  out.text = new XMLSerializer().serializeToString(document);
  return out;
}

interface Texts {
  languages: string[];
  defaultLanguage: string;
  guidance: Map<string, Map<string, string>>;
}

/** "-" is what converters write where a translation is missing. */
function isMissing(text: Element | undefined): boolean {
  if (text === undefined) return true;
  const values = [...text.children].filter((v) => v.getAttribute("form") === null);
  return values.every((v) => v.childElementCount === 0 && ["", "-"].includes((v.textContent ?? "").trim()));
}

function fillTexts(model: Element): Texts {
  const itext = child(model, "itext");
  const translations = itext ? [...itext.children].filter((t) => t.localName === "translation") : [];
  const first = translations.find((t) => t.getAttribute("default") !== null) ?? translations[0];
  const guidance = new Map<string, Map<string, string>>();
  const language = (t: Element) => t.getAttribute("lang") ?? "";
  const byId = (t: Element) => new Map([...t.children].map((text) => [text.getAttribute("id") ?? "", text] as const));
  const own = first ? byId(first) : new Map<string, Element>();
  for (const translation of translations) {
    const here = translation === first ? own : byId(translation);
    for (const [id, standard] of own) {
      const text = here.get(id);
      takeGuidance(text, id, language(translation), guidance);
      if (translation === first || !isMissing(text)) continue;
      const copy = standard.cloneNode(true) as Element;
      // Media of the language itself stay, where it has some.
      for (const media of text?.children ?? []) {
        const form = media.getAttribute("form");
        if (form === null) continue;
        for (const same of [...copy.children]) if (same.getAttribute("form") === form) same.remove();
        copy.append(media.cloneNode(true));
      }
      if (text) text.replaceWith(copy);
      else translation.append(copy);
    }
    for (const [id, text] of here) if (!own.has(id)) takeGuidance(text, id, language(translation), guidance);
  }
  return {
    languages: translations.map(language),
    defaultLanguage: first ? language(first) : "",
    guidance,
  };
}

/** The engine would join guidance and short forms to the text itself. */
function takeGuidance(text: Element | undefined, id: string, language: string, into: Texts["guidance"]): void {
  for (const value of [...(text?.children ?? [])]) {
    const form = value.getAttribute("form");
    if (form !== "guidance" && form !== "short") continue;
    const words = (value.textContent ?? "").trim();
    value.remove();
    if (form !== "guidance" || words === "" || words === "-") continue;
    let known = into.get(id);
    if (known === undefined) into.set(id, (known = new Map()));
    known.set(language, words);
  }
}

function readBinds(model: Element, out: XForm): void {
  for (const node of model.children) {
    const name = node.localName;
    if (name === "setvalue" || name === "setgeopoint") out.setByForm.add(plainPath(node.getAttribute("ref") ?? ""));
    if (name !== "bind") continue;
    const path = plainPath(node.getAttribute("nodeset") ?? "");
    const consent = words(node.getAttributeNS(TRIB, "consent"));
    if (consent.length > 0) out.consent.set(path, consent);
    const order = /^\s*protective\s*\(([^)]*)\)/.exec(node.getAttributeNS(TRIB, "policy") ?? "");
    if (order?.[1]) out.protective.set(path, words(order[1]));
    if (node.getAttributeNS(JR, "preloadParams") === "end") out.ends.add(path);
    if (/\bonce\s*\(/.test(node.getAttribute("calculate") ?? "")) out.once.add(path);
  }
}

function words(text: string | null): string[] {
  return (text ?? "").split(/\s+/).filter((w) => w !== "");
}

function readBody(document: Document, texts: Texts, out: XForm): void {
  const body = child(document.documentElement, "body");
  if (body?.namespaceURI !== XHTML && body === undefined) return;
  for (const hint of body.getElementsByTagNameNS("*", "hint")) {
    const path = plainPath(hint.parentElement?.getAttribute("ref") ?? "");
    const id = /jr:itext\(\s*['"](.*)['"]\s*\)/.exec(hint.getAttribute("ref") ?? "")?.[1];
    const said = id === undefined ? undefined : texts.guidance.get(id);
    if (said) out.guidance.set(path, said);
    // A hint that is nothing but guidance has no text left.
  }
  for (const action of body.querySelectorAll("setvalue, setgeopoint")) {
    out.setByForm.add(plainPath(action.getAttribute("ref") ?? ""));
  }
}

/** The instance with one blank row for each repeat: of several elements of one name the first. */
function pattern(root: Element): Element {
  const copy = root.cloneNode(true) as Element;
  thin(copy);
  return copy;
}

function thin(element: Element): void {
  const seen = new Set<string>();
  for (const inner of [...element.children]) {
    inner.removeAttributeNS(JR, "template");
    if (seen.has(inner.localName)) inner.remove();
    else thin(inner);
    seen.add(inner.localName);
  }
}

/** Paths of elements that are there and are no templates; among them the repeats that begin with a row. */
function findStartRows(element: Element, path: string, into: Set<string>): void {
  for (const inner of element.children) {
    const here = `${path}/${inner.localName}`;
    if (inner.getAttributeNS(JR, "template") === null && inner.childElementCount > 0) into.add(here);
    findStartRows(inner, here, into);
  }
}

/** What an instance is filled with. */
export interface Filling {
  /** Whether the element at this path is a repeat. */
  isRepeat(path: string): boolean;
  /** The rows of a repeat inside the row around it, in order; undefined: leave the form's own. */
  rows(path: string, around: string | undefined): string[];
  /** The text at a path, in a row; undefined: leave the form's own default. */
  text(path: string, row: string | undefined): string | undefined;
}

/** The XML of an instance that holds a record. */
export function instanceXml(form: XForm, filling: Filling): string {
  const root = form.instance.cloneNode(true) as Element;
  fill(root, `/${root.localName}`, undefined, filling);
  return new XMLSerializer().serializeToString(root);
}

function fill(element: Element, path: string, row: string | undefined, filling: Filling): void {
  const children = [...element.children];
  if (children.length === 0) {
    const text = filling.text(path, row);
    if (text !== undefined) element.textContent = text;
    return;
  }
  for (const inner of children) {
    const here = `${path}/${inner.localName}`;
    if (!filling.isRepeat(here)) {
      fill(inner, here, row, filling);
      continue;
    }
    for (const id of filling.rows(here, row)) {
      const copy = inner.cloneNode(true) as Element;
      inner.before(copy);
      fill(copy, here, id, filling);
    }
    inner.remove();
  }
}
