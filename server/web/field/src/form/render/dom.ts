// Elements by calls; never from text that is parsed.
//
// Not here: what stands on a page.

export type Child = Node | string | undefined | false | readonly Child[];
type Handlers = { [K in `on${string}`]?: (event: never) => void };
export type Props = Handlers & { class?: string; [name: string]: unknown };

/** An element. `on…` are listeners, true and false set or leave out an attribute, everything else is an attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(to: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (Array.isArray(child)) add(to, child as readonly Child[]);
    else to.append(child as Node | string);
  }
}

/** Replaces what is in an element. */
export function refill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  add(element, children);
}

let last = 0;
/** An id that no other element of the page has. */
export function newId(what: string): string {
  last += 1;
  return `${what}-${last}`;
}

export function show(element: HTMLElement, visible: boolean): void {
  element.hidden = !visible;
}
