// Choices in XML files, put into the form before the engine sees it: the engine would parse them through a sink that this app forbids.
//
// Not here: CSV and GeoJSON, which the engine reads without it.

import type { FormFiles } from "./engine";

/** Puts the content of each `jr://file/….xml` in its place; one that is missing offers nothing. */
export async function inlineXml(model: Element, files: FormFiles, parse: (text: string) => Document): Promise<void> {
  for (const instance of [...model.children]) {
    const source = instance.localName === "instance" ? instance.getAttribute("src") : null;
    if (source === null || !source.endsWith(".xml")) continue;
    const file = await files(decodeURIComponent(source.slice(source.lastIndexOf("/") + 1)));
    instance.removeAttribute("src");
    const blank = model.ownerDocument.createElementNS(model.namespaceURI, "root");
    instance.replaceChildren(file === undefined ? blank : copyOf(parse(await file.text()).documentElement, model));
  }
}

/** Expressions name these elements without a prefix, so they take the namespace of the form's own. */
function copyOf(element: Element, model: Element): Element {
  const copy = model.ownerDocument.createElementNS(model.namespaceURI, element.localName);
  for (const { name, value } of element.attributes) if (!name.includes(":") && name !== "xmlns") copy.setAttribute(name, value);
  if (element.childElementCount === 0) copy.textContent = element.textContent;
  else for (const inner of element.children) copy.append(copyOf(inner, model));
  return copy;
}
