// A form package for any XForm, as the server would make it at import, near enough to look at forms and to test with: row ids are
// put into repeats, ids are counted. Not here: the server's checks (sync-core/src/form).

import type { FormPackage } from "../src/core/types";
import { parseXml, plainPath } from "../src/form/xform";

export interface Prepared {
  xform: string;
  pkg: FormPackage;
}

export function prepare(xml: string): Prepared {
  const document = parseXml(xml);
  const model = document.querySelector("model");
  const root = model?.querySelector("instance")?.firstElementChild;
  const body = document.documentElement.lastElementChild;
  if (!model || !root || !body) throw new Error("no XForm");
  const repeats = new Set([...body.getElementsByTagNameNS("*", "repeat")].map((r) => plainPath(r.getAttribute("nodeset") ?? "")));
  const binds = new Map<string, Element>();
  for (const bind of model.getElementsByTagNameNS("*", "bind")) binds.set(plainPath(bind.getAttribute("nodeset") ?? ""), bind);
  addRowIds(root, `/${root.localName}`, repeats, model);
  const controls = new Map<string, Element>();
  for (const element of body.getElementsByTagName("*")) {
    const ref = element.getAttribute("ref");
    if (ref !== null && !["label", "hint", "value", "group", "output"].includes(element.localName)) controls.set(plainPath(ref), element);
  }
  const fields: FormPackage["fields"] = [];
  const seen = new Set<string>();
  const walk = (element: Element, path: string) => {
    for (const inner of element.children) {
      const here = `${path}/${inner.localName}`;
      if (!seen.has(here)) {
        seen.add(here);
        const type = typeOf(inner, here, repeats, controls.get(here), binds.get(here));
        fields.push({ path: here, id: fields.length + 1, type, seal: false, sensitivity: "unmarked" });
      }
      walk(inner, here);
    }
  };
  walk(root, `/${root.localName}`);
  return {
    xform: new XMLSerializer().serializeToString(document),
    pkg: { form_id: root.getAttribute("id") ?? "", xform_sha256: "", attachments: [], fields },
  };
}

function addRowIds(element: Element, path: string, repeats: Set<string>, model: Element): void {
  const bound = new Set<string>();
  const walk = (at: Element, here: string) => {
    if (repeats.has(here)) {
      const row = at.ownerDocument.createElementNS(at.namespaceURI, "trib_row");
      at.prepend(row);
      if (!bound.has(here)) {
        bound.add(here);
        const bind = at.ownerDocument.createElementNS(model.namespaceURI, "bind");
        for (const [name, value] of [["nodeset", `${here}/trib_row`], ["type", "string"], ["readonly", "true()"], ["calculate", "once(uuid())"]]) bind.setAttribute(name ?? "", value ?? "");
        model.append(bind);
      }
    }
    for (const inner of at.children) if (inner.localName !== "trib_row") walk(inner, `${here}/${inner.localName}`);
  };
  walk(element, path);
}

const DATA: Record<string, string> = { int: "int", integer: "int", decimal: "decimal", date: "date", time: "time", dateTime: "datetime", geopoint: "geopoint", boolean: "boolean" };

function typeOf(element: Element, path: string, repeats: Set<string>, control: Element | undefined, bind: Element | undefined): string {
  if (repeats.has(path)) return "repeat";
  if (element.localName === "trib_row") return "row_id";
  const data = bind?.getAttribute("type") ?? "string";
  const typed = (kind: string) => (DATA[data] === undefined ? kind : `${kind}:${DATA[data]}`);
  if (control === undefined) {
    if (element.childElementCount > 0) return "group";
    if (bind?.getAttribute("jr:preload") || path.includes("/meta/")) return typed("metadata");
    return typed(bind?.getAttribute("calculate") ? "calculate" : "hidden");
  }
  switch (control.localName) {
    case "select1": return "select_one";
    case "select": return "select_multiple";
    case "rank": return "rank";
    case "range": return data === "decimal" ? "range:decimal" : "range";
    case "trigger": return "trigger";
    case "upload": return ["image", "audio", "video"].find((m) => control.getAttribute("mediatype")?.startsWith(m)) ?? "file";
    default: break;
  }
  if (bind?.getAttribute("calculate")) return typed("calculate");
  if (bind?.getAttribute("readonly") === "true()" && data === "string") return "note";
  return { int: "integer", decimal: "decimal", date: "date", time: "time", dateTime: "datetime", barcode: "barcode", geopoint: "geopoint", geotrace: "geotrace", geoshape: "geoshape" }[data] ?? "text";
}
