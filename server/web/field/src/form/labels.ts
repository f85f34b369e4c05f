// Labels of choices that a form has but does not offer now: an answer that it filters away is still somebody's answer, and is shown
// in words.
//
// Not here: choices that are offered (engine.ts), those in CSV files.

/** The label of a code at the path of a choice, in a language; undefined where the form's own lists do not have it. */
export type LabelOf = (path: string, code: string, language: string) => string | undefined;

interface Source {
  items: Element[];
  value: string;
  label: string;
  translated: boolean;
}

export function labelsOf(model: Element, body: Element | undefined, plainPath: (path: string) => string): LabelOf {
  const sources = new Map<string, Source>();
  for (const itemset of body?.getElementsByTagNameNS("*", "itemset") ?? []) {
    const id = /instance\(\s*['"]([^'"]+)['"]\s*\)/.exec(itemset.getAttribute("nodeset") ?? "")?.[1];
    const instance = [...model.children].find((e) => e.localName === "instance" && e.getAttribute("id") === id);
    const ref = (name: string) => [...itemset.children].find((e) => e.localName === name)?.getAttribute("ref")?.trim() ?? "";
    const label = ref("label");
    if (instance === undefined) continue;
    sources.set(plainPath(itemset.parentElement?.getAttribute("ref") ?? ""), {
      items: [...(instance.firstElementChild?.children ?? [])],
      value: ref("value"),
      label: /jr:itext\(\s*([\w.-]+)\s*\)/.exec(label)?.[1] ?? label,
      translated: label.includes("jr:itext"),
    });
  }
  return (path, code, language) => {
    const source = sources.get(path);
    const item = source?.items.find((i) => part(i, source.value) === code);
    const label = source && item && part(item, source.label);
    if (source === undefined || label === undefined) return undefined;
    return source.translated ? translated(model, label, language) : label;
  };
}

function part(item: Element, name: string): string | undefined {
  return [...item.children].find((c) => c.localName === name)?.textContent?.trim();
}

function translated(model: Element, id: string, language: string): string | undefined {
  const itext = [...model.children].find((e) => e.localName === "itext");
  const translation = [...(itext?.children ?? [])].find((t) => t.getAttribute("lang") === language);
  const text = [...(translation?.children ?? [])].find((t) => t.getAttribute("id") === id);
  return [...(text?.children ?? [])].find((v) => v.getAttribute("form") === null)?.textContent?.trim();
}
