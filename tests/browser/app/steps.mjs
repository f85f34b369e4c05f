// A story step by step: after a step that fails the others make no sense, and pictures of the phones tell why.
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const pictures = fileURLToPath(new URL("../../../target/browser/", import.meta.url));

export function steps(t, phones) {
  let failed;
  return async (name, work) => {
    if (failed) return t.test(name, { skip: `after: ${failed}` }, () => undefined);
    await t.test(name, async () => {
      try {
        await work();
      } catch (error) {
        failed = name;
        await mkdir(pictures, { recursive: true });
        for (const [n, phone] of Object.entries(phones())) {
          await phone?.page.screenshot({ path: `${pictures}failed-${n}.png`, timeout: 5000 }).catch(() => undefined);
          if (phone?.complaints.length) console.error(n, phone.complaints);
        }
        throw error;
      }
    });
  };
}
