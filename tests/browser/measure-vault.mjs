// What the vault costs: 5,000 records of 3 kB, as they come and at a fourth of the speed of this machine.
//   node measure-vault.mjs
// "4x" slows the page's main thread, not WebCrypto and not the worker that makes the key: that is told apart.
// Not here: whether it is right (vault/).
import { browser, folder, serve } from './vault/serve.mjs';

const RECORDS = 5000;
const server = await serve();
const home = await folder();
const context = await browser(home.path);
const page = await context.newPage();
const devtools = await context.newCDPSession(page);
const load = async () => {
  await page.goto(server.url);
  await page.waitForFunction(() => 'kit' in window);
};

await load();
const made = await page.evaluate(async (n) => {
  const v = kit.vault();
  const u = await v.create('', '739164');
  const change = (i) => ({
    table: 'held',
    key: i.toString(16).padStart(32, '0'),
    value: crypto.getRandomValues(new Uint8Array(3000)),
    brief: crypto.getRandomValues(new Uint8Array(150)),
  });
  const eager = (i) => ({ table: 'own', key: `${i}`, value: crypto.getRandomValues(new Uint8Array(200)) });
  const start = performance.now();
  for (let i = 0; i < n; i += 500) await u.keeper.write(Array.from({ length: 500 }, (_, j) => change(i + j)));
  await u.keeper.write(Array.from({ length: 1000 }, (_, i) => eager(i)));
  const bulk = performance.now() - start;
  await u.lock();
  const small = (await kit.raw(u.id)).filter(([store]) => store === 'small').length;
  return { id: u.id, bulk, small };
}, RECORDS);
const cost = await page.evaluate((id) => kit.getRaw(id, 'meta', 'slots').then((slots) => slots[0].cost), made.id);
console.log(`${RECORDS} records and 1000 small rows written in ${Math.round(made.bulk)} ms; ${made.small} rows in small, so ${made.small - 1000} pages`);
console.log(`Argon2id: ${cost.memory / 1024} MiB, ${cost.passes} passes`);
console.log(`bytes, minified: ${JSON.stringify(server.sizes)}`);

console.log('\nmedian of 5, ms      key (worker)   unlock without it   eager   briefs   read one   save one');
for (const rate of [1, 4]) {
  const rounds = [];
  for (let i = 0; i < 5; i++) {
    await load();
    await devtools.send('Emulation.setCPUThrottlingRate', { rate });
    rounds.push(await page.evaluate(round, made.id));
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  }
  const median = (name) => String(Math.round(10 * rounds.map((r) => r[name]).sort((a, b) => a - b)[2]) / 10);
  const columns = [['key', 15], ['unlock', 20], ['eager', 8], ['briefs', 9], ['read', 11], ['save', 11]];
  console.log(`${rate}x`.padEnd(18) + columns.map(([name, width]) => median(name).padStart(width)).join(''));
}
await context.close();
await home.remove();
await server.close();

/** In the page: one cold unlock. */
async function round(id) {
  let key = 0;
  const v = kit.vault({ timed: (ms) => (key += ms) });
  const out = {};
  const time = async (name, step) => {
    const start = performance.now();
    const value = await step();
    out[name] = performance.now() - start;
    return value;
  };
  const u = await time('unlock', () => v.unlock(id, '739164'));
  out.key = key;
  out.unlock -= key;
  await time('eager', () => u.keeper.eager());
  const briefs = await time('briefs', () => u.keeper.briefs('held'));
  if (briefs.length !== 5000) throw new Error(`briefs: ${briefs.length}`);
  const one = briefs[4321].key;
  const value = await time('read', () => u.keeper.read('held', one));
  await time('save', () => u.keeper.write([{ table: 'held', key: one, value, brief: briefs[4321].brief }, { table: 'own', key: 'x', value }]));
  await u.lock();
  return out;
}
