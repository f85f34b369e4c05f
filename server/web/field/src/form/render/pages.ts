// The pages of a form: each group, and each run of questions between groups, a handful at a time. A field-list stays whole.
//
// Not here: drawing them (interview.ts).

import type { Node } from "../engine";
import { unwatched } from "../watch";
import { drawn, visible } from "./group";

/** Questions on a page that the form did not group itself. */
const RUN = 8;

export interface Page {
  id: string;
  /** The groups around, the outermost first. */
  around: Node[];
  items: Node[];
}

/** Pages follow from the form alone; which of them are seen depends on the answers. */
export function pagesOf(root: Node): Page[] {
  const pages: Page[] = [];
  unwatched(() => split(root, [], pages));
  return pages;
}

function split(parent: Node, around: Node[], pages: Page[]): void {
  let run: Node[] = [];
  const add = (items: Node[], groups: Node[]) => {
    if (items.length > 0) pages.push({ id: `${items[0]?.id}`, around: groups, items });
  };
  const flush = () => {
    // Never one question alone on the last page of a run.
    const pages = Math.max(1, Math.ceil(run.length / RUN));
    const size = Math.ceil(run.length / pages);
    for (let at = 0; at < run.length; at += size) add(run.slice(at, at + size), around);
    run = [];
  };
  for (const node of drawn(parent)) {
    if (node.kind === "group") {
      flush();
      if (node.appearance.has("field-list")) add(drawn(node), [...around, node]);
      else split(node, [...around, node], pages);
    } else if (node.kind === "repeat") {
      flush();
      add([node], around);
    } else {
      run.push(node);
    }
  }
  flush();
}

export function pageVisible(page: Page): boolean {
  return page.around.every((g) => g.relevant) && page.items.some(visible);
}

/** Every question of a page, those in rows too. */
export function* questionsOf(items: readonly Node[]): Generator<Node> {
  for (const node of items) {
    if (node.kind === "group" || node.kind === "repeat" || node.kind === "row") yield* questionsOf(node.children);
    else if (node.kind !== "value") yield node;
  }
}
