/**
 * The one policy of Trusted Types: which texts may become markup or the address of a script.
 *
 * The form engine parses XML with DOMParser, into documents that nothing runs in: that is let through. Nothing else becomes
 * markup, and only the app's own two scripts are started. The page's policy allows no other policy than this one.
 */
type Policy = {
  createHTML(text: string, type: string, sink: string): string | null;
  createScriptURL(address: string): string | null;
};

const SCRIPTS = ["sw.js", "derive.js"];

export function onlyOurs(): void {
  const types = (globalThis as { trustedTypes?: { createPolicy(name: string, policy: Policy): unknown } }).trustedTypes;
  types?.createPolicy("default", {
    createHTML: (text, _type, sink) => (sink === "DOMParser parseFromString" ? text : null),
    createScriptURL(address) {
      const ours = SCRIPTS.some((name) => new URL(address, document.baseURI).href === new URL(name, document.baseURI).href);
      return ours ? address : null;
    },
  });
}
