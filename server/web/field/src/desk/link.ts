/**
 * The enrolment link: server, organisation, one-time code, and the fingerprint to pin; all but the server behind the `#`.
 * The same rules as `tributary-field enrol`. Not here: using it (door.ts).
 */
export interface EnrolLink {
  server: string;
  organisation: string;
  code: string;
  root: string;
}

const HASH = /^[0-9a-f]{64}$/;

/** What was pasted, or the address that the app was opened with; undefined if it is no whole link. */
export function readLink(text: string): EnrolLink | undefined {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  const leads = ["/enrol", "/field"].includes(url.pathname.replace(/\/+$/, ""));
  if (!(url.protocol === "https:" || (url.protocol === "http:" && local)) || !leads) return undefined;
  const said = new Map(url.hash.slice(1).split("&").map((part) => {
    const at = part.indexOf("=");
    return [part.slice(0, Math.max(at, 0)), part.slice(at + 1)] as const;
  }));
  const [organisation, code, root] = [said.get("o"), said.get("c"), said.get("r")?.toLowerCase()];
  if (!organisation || !code || !root || !HASH.test(root)) return undefined;
  return { server: url.origin, organisation, code, root };
}

/** Takes the link out of the address bar and out of the history, at once. */
export function takeLink(): EnrolLink | undefined {
  if (location.hash === "") return undefined;
  const link = readLink(location.href);
  history.replaceState(history.state, "", location.pathname);
  return link;
}
