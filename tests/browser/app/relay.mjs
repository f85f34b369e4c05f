// A way to the server that can be cut at any byte, and that can hand out the app as another version of it.
// Not here: what is sent; the relay reads nothing but addresses.
import { createServer, request } from "node:http";

export class Relay {
  /** Requests that came through, by path. */
  seen = [];
  /** The next answer to a path breaks after so many bytes. */
  #cut;
  #version = "";

  static async before(world) {
    const relay = new Relay();
    relay.world = world;
    relay.server = createServer((incoming, outgoing) => relay.#carry(incoming, outgoing));
    await new Promise((ready) => relay.server.listen(0, "127.0.0.1", ready));
    relay.url = `http://127.0.0.1:${relay.server.address().port}`;
    return relay;
  }

  /** The same link through the relay. */
  link(link) {
    return link.replace(/^http:\/\/[^/]+/, this.url);
  }

  cutAfter(path, bytes) {
    this.#cut = { path, bytes };
  }

  /** From now on the service worker is another one. */
  newVersion(name) {
    this.#version = name;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  #carry(incoming, outgoing) {
    const path = new URL(incoming.url, this.url).pathname;
    this.seen.push(path);
    const headers = { ...incoming.headers };
    if (path === "/field/sw.js") {
      delete headers["accept-encoding"];
      delete headers["if-none-match"];
    }
    const upstream = request(this.world.url + incoming.url, { method: incoming.method, headers }, (answer) => {
      const cut = this.#cut?.path === path ? this.#cut : undefined;
      if (path === "/field/sw.js" && this.#version) {
        const { "content-length": _, ...rest } = answer.headers;
        outgoing.writeHead(answer.statusCode, rest);
        // The hash over its files is the one thing that tells two versions apart.
        let text = "";
        answer.on("data", (part) => (text += part));
        answer.on("end", () => outgoing.end(text.replace(/(?<=["'`])[0-9a-f]{16}(?=["'`])/, this.#version)));
        return;
      }
      outgoing.writeHead(answer.statusCode, answer.headers);
      let left = cut?.bytes ?? Infinity;
      answer.on("data", (part) => {
        outgoing.write(part.subarray(0, Math.min(left, part.length)));
        left -= part.length;
        if (left <= 0 && cut) {
          this.#cut = undefined;
          outgoing.destroy();
        }
      });
      answer.on("end", () => outgoing.end());
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  }
}
