// The only file that names @getodk/xforms-engine: a form instance as a tree of nodes that can be read, watched and set.
// test/engine contracts hold what the rest relies on, so that a new version of the engine is judged by them.
//
// Not here: keys and values of records (answers.ts), what counts as an edit (session.ts).

import { loadForm } from "@getodk/xforms-engine";
import type { AnyNode, AnyViolation, FormLanguage, MarkdownNode, RootNode, TextRange } from "@getodk/xforms-engine";

import { cell, watched } from "./watch";
import { allowParsing, plainPath } from "./xform";

export type Kind = "root" | "group" | "repeat" | "row" | "input" | "select" | "rank" | "range" | "note" | "trigger" | "upload" | "value";

/** A piece of a text: words, or words marked up. */
export type Piece = string | { tag: "strong" | "em" | "u" | "p" | "br" | "li" | "ul" | "ol" | "h" | "link"; inner: Piece[]; url?: string };

/** A text of the form, in the language that is on. */
export interface Wording {
  plain: string;
  pieces(): Piece[];
  /** Names of files that belong to the form. */
  image: string | undefined;
  audio: string | undefined;
  video: string | undefined;
}

export interface Choice {
  code: string;
  label: Wording;
}

export interface Violation {
  kind: "constraint" | "required";
  /** The form's own message; empty if it has none. */
  message: string;
}

interface RawChoice {
  value: string;
  label: TextRange<"item-label">;
}

/** Files of the form by name: choices in CSV, XML or GeoJSON. */
export type FormFiles = (name: string) => Promise<Blob | undefined>;

/** One node of an open form. Reads are noted by watch.ts. */
export class Node {
  readonly kind: Kind;
  /** Without positions: /data/members/name. */
  readonly path: string;
  readonly id: string;
  readonly appearance: ReadonlySet<string>;

  constructor(
    private readonly raw: AnyNode,
    readonly parent: Node | undefined,
    private readonly form: OpenForm,
  ) {
    const type = raw.nodeType;
    this.kind =
      type === "repeat-instance" ? "row"
      : type.startsWith("repeat-range") ? "repeat"
      : type === "model-value" ? "value"
      : (type as Kind);
    this.path = plainPath(raw.definition.nodeset);
    this.id = raw.nodeId;
    this.appearance = new Set(raw.appearances ? [...(raw.appearances as unknown as Iterable<string>)] : []);
  }

  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }
  /** string, int, decimal, date, time, dateTime, geopoint, …; empty for groups. */
  get dataType(): string {
    return "valueType" in this.raw ? String(this.raw.valueType) : "";
  }
  get relevant(): boolean {
    return this.raw.currentState.relevant;
  }
  get readonly(): boolean {
    return this.raw.currentState.readonly;
  }
  get required(): boolean {
    return this.raw.currentState.required;
  }
  get label(): Wording | undefined {
    return wording(this.raw.currentState.label);
  }
  get hint(): Wording | undefined {
    return wording(this.raw.currentState.hint);
  }
  get children(): Node[] {
    return this.inner().map((c) => this.form.node(c, this));
  }
  /** What was removed throws when it is asked for what is in it; to us it is empty. */
  private inner(): readonly AnyNode[] {
    try {
      return (this.raw.currentState.children ?? []) as readonly AnyNode[];
    } catch {
      return [];
    }
  }
  /** As the XForm writes it. Blank while the node is not relevant: never a reason to write anything. */
  get text(): string {
    return "instanceValue" in this.raw.currentState ? this.raw.currentState.instanceValue : "";
  }
  get choices(): Choice[] {
    const raw = this.raw;
    if (raw.nodeType !== "select" && raw.nodeType !== "rank") return [];
    return (raw.currentState.valueOptions as readonly RawChoice[]).map((o) => ({ code: o.value, label: wording(o.label) ?? blank }));
  }
  /** The codes that are chosen, in the form's order; of a ranking in its own. */
  get codes(): readonly string[] {
    const raw = this.raw;
    return raw.nodeType === "select" || raw.nodeType === "rank" ? raw.currentState.value : [];
  }
  get many(): boolean {
    return this.raw.nodeType === "select" && this.raw.selectType === "select";
  }
  get range(): { start: number; end: number; step: number } | undefined {
    if (this.raw.nodeType !== "range") return undefined;
    const { start, end, step } = this.raw.definition.bounds;
    return { start: Number(start), end: Number(end), step: Number(step) };
  }
  /** What files an upload takes: image/*, audio/*, … */
  get accept(): string {
    return this.raw.nodeType === "upload" ? String(this.raw.nodeOptions.media.accept) : "";
  }
  get rows(): number | undefined {
    const options = this.raw.nodeOptions as { rows?: number | null } | null;
    return options?.rows ?? undefined;
  }
  get violation(): Violation | undefined {
    const state = this.raw.validationState;
    const found: AnyViolation | null = "violation" in state ? state.violation : null;
    if (found === null) return undefined;
    const message = found.message?.asString.trim() ?? "";
    return { kind: found.condition, message: message === "-" ? "" : message };
  }
  /** Of a repeat: whether the form itself counts its rows. */
  get counted(): boolean {
    return this.raw.nodeType === "repeat-range:controlled";
  }

  /** Puts a text in, as the XForm writes it. Takes hidden nodes too; read-only ones and those without a control stay as they are. */
  put(text: string): void {
    const raw = this.raw;
    switch (raw.nodeType) {
      case "input":
        if (!raw.currentState.readonly) (raw as { setValue(text: string): unknown }).setValue(text);
        break;
      case "select":
        if (!raw.currentState.readonly) raw.selectValues(codesOf(text));
        break;
      case "rank":
        this.rank(codesOf(text));
        break;
      case "range":
        if (!raw.currentState.readonly) (raw as { setValue(text: string | null): unknown }).setValue(text === "" ? null : text);
        break;
      case "trigger":
        if (!raw.currentState.readonly) raw.setValue(text !== "");
        break;
      case "upload":
        // The engine only needs to know that there is a file, and its name.
        if (!raw.currentState.readonly) raw.setValue(text === "" ? null : new File([], text));
        break;
      default:
        break;
    }
  }

  /** The engine takes complete rankings only: choices that the answer does not name come last. */
  private rank(codes: string[]): void {
    if (this.raw.nodeType !== "rank" || this.raw.currentState.readonly) return;
    const all = (this.raw.currentState.valueOptions as readonly RawChoice[]).map((o) => o.value);
    const known = codes.filter((c) => all.includes(c));
    this.raw.setValues(known.length === 0 ? [] : [...known, ...all.filter((c) => !known.includes(c))]);
  }

  addRow(): void {
    if (this.raw.nodeType === "repeat-range:uncontrolled") this.raw.addInstances();
  }
  removeRow(row: Node): void {
    if (this.raw.nodeType !== "repeat-range:uncontrolled") return;
    const index = (this.raw.currentState.children as readonly AnyNode[]).findIndex((c) => c.nodeId === row.id);
    if (index >= 0) this.raw.removeInstances(index, 1);
  }
}

function codesOf(text: string): string[] {
  return text.split(" ").filter((c) => c !== "");
}

const blank: Wording = { plain: "", pieces: () => [], image: undefined, audio: undefined, video: undefined };

function wording(range: TextRange<"label" | "hint" | "item-label"> | null): Wording | undefined {
  if (range === null) return undefined;
  const file = (url: { href: string } | undefined) => url && decodeURIComponent(url.href.slice(url.href.lastIndexOf("/") + 1));
  const plain = range.asString.trim();
  return {
    plain: plain === "-" ? "" : plain,
    pieces: () => (/[*_#<[\\&\n]/.test(plain) ? range.formatted.flatMap(piece) : [plain]),
    image: file(range.imageSource),
    audio: file(range.audioSource),
    video: file(range.videoSource),
  };
}

const TAGS: Record<string, Exclude<Piece, string>["tag"]> = {
  strong: "strong", em: "em", u: "u", p: "p", div: "p", li: "li", ul: "ul", ol: "ol", a: "link",
  h1: "h", h2: "h", h3: "h", h4: "h", h5: "h", h6: "h",
};

/** Raw HTML in a label is shown as its words. */
function piece(node: MarkdownNode): Piece[] {
  switch (node.role) {
    case "child":
      return [node.value];
    case "line-break":
      return [{ tag: "br", inner: [] }];
    case "html":
      return [node.unsafeHtml.replace(/<[^>]*>/g, "")];
    case "parent": {
      const inner = node.children.flatMap(piece);
      const tag = TAGS[node.elementName];
      if (tag === undefined) return inner;
      return [tag === "link" ? { tag, inner, url: (node as { url?: string }).url ?? "" } : { tag, inner }];
    }
  }
}

/** An instance of a form, in memory. */
export class OpenForm {
  private readonly nodes = new Map<string, Node>();
  private readonly spoken = cell("");
  readonly root: Node;

  constructor(private readonly raw: RootNode) {
    this.root = new Node(raw, undefined, this);
    this.nodes.set(raw.nodeId, this.root);
    this.spoken.value = raw.currentState.activeLanguage.language;
  }

  node(raw: AnyNode, parent: Node): Node {
    let known = this.nodes.get(raw.nodeId);
    if (known === undefined) this.nodes.set(raw.nodeId, (known = new Node(raw, parent, this)));
    return known;
  }

  get languages(): string[] {
    return this.raw.languages.map((l) => l.language).filter((l) => l !== "");
  }
  /** The name of the language that is on; empty if the form has but one without a name. */
  get language(): string {
    return this.spoken.value;
  }
  speak(name: string): void {
    const found = this.raw.languages.find((l) => l.language === name);
    if (found === undefined || found.isSyntheticDefault) return;
    this.raw.setLanguage(found as FormLanguage);
    this.spoken.value = name;
  }

  /** Every node, rows included, in the form's order. */
  *all(from: Node = this.root): Generator<Node> {
    yield from;
    for (const inner of from.children) yield* this.all(inner);
  }
}

/** A form that was read; instances of it do not know of each other. */
export interface LoadedForm {
  /** A blank instance, or one from XML. */
  open(instance?: string): Promise<OpenForm>;
}

/** Reads a form. */
export async function loadEngine(xform: string, files: FormFiles): Promise<LoadedForm> {
  allowParsing();
  const loaded = await loadForm(xform, {
    missingResourceBehavior: "BLANK",
    fetchFormAttachment: async (url) => {
      const file = await files(decodeURIComponent(url.href.slice(url.href.lastIndexOf("/") + 1)));
      return file ? new Response(file, { headers: { "content-type": contentType(url.href) } }) : new Response(null, { status: 404 });
    },
  });
  if (loaded.status === "failure") throw loaded.error;
  const options = { stateFactory: <T extends object>(state: T) => watched(state) };
  return {
    async open(instance) {
      if (instance === undefined) return new OpenForm(loaded.createInstance(options).root);
      const input = { inputType: "FORM_INSTANCE_INPUT_RESOLVABLE", resolveInstance: () => instance, attachments: new Map() } as const;
      return new OpenForm((await loaded.editInstance(input, options)).root);
    },
  };
}

function contentType(name: string): string {
  if (name.endsWith(".csv")) return "text/csv";
  return name.endsWith(".geojson") ? "application/geo+json" : "text/xml";
}
