/** One profile in memory. */
export class Face {
  constructor();
  load(table: string, key: string, value: Uint8Array): boolean;
  loadBrief(key: string, brief: Uint8Array): void;
  step(step: string, body: Uint8Array): string;
  body(): Uint8Array;
  answer(verdicts: Uint8Array): void;
  changes(): string;
  changed(): Uint8Array;
  commit(): void;
  rollback(): void;
  free(): void;
}
export function vector(name: string, text: string): string;
/** Loads the WASM, from an address or from bytes. Once is enough. */
export default function init(from: {
  module_or_path: string | URL | Request | Response | BufferSource | WebAssembly.Module;
}): Promise<unknown>;
