// The whole of it: two phones, weeks without a network, one interview that both answered, one dataset that holds all of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Phone } from "./phone.mjs";
import { steps } from "./steps.mjs";
import { World } from "./world.mjs";

const FORM = "outreach_interview";
let world, dara, linh;

before(async () => {
  world = await World.start();
  await world.publish();
  [dara, linh] = await Promise.all([Phone.make(), Phone.make()]);
});
after(async () => {
  await dara?.end();
  await linh?.end();
  await world?.stop();
});

async function consent(phone) {
  await phone.choose("/data/opening/interview_language", "Khmer");
  await phone.choose("/data/opening/setting_private", "Yes");
  await phone.choose("/data/opening/immediate_danger", "No");
  await phone.button("Next").click();
  await phone.choose("/data/consent/age_class", "Adult, 18 or older");
  await phone.choose("/data/consent/consent_store", "Yes, agrees");
  await phone.saved();
  await phone.choose("/data/consent/consent_share", "Yes, agrees");
}

async function answerContact(phone, words) {
  await phone.goTo("Safety");
  await phone.text("/data/safety/safe_contact", words);
  await phone.saved();
}

test("an interview without a network reaches the merged dataset, with what two phones said", async (t) => {
  const people = { dara: await world.worker("Dara"), linh: await world.worker("Linh") };
  const step = steps(t, () => ({ dara, linh }));
  let record;

  await step("both phones are set up by a link", async () => {
    await dara.enrol(await world.link(people.dara));
    await linh.enrol(await world.link(people.linh));
    assert.equal(new URL(dara.page.url()).hash, "", "the code left the address bar");
    assert.match(await dara.status(), /Everything is on the server/);
  });

  await step("the server dies, the browser is closed, and the app starts cold without a network", async () => {
    await dara.ready();
    await world.kill();
    await dara.close();
    await dara.start();
    await dara.offline(true);
    await dara.open(world.url);
    await dara.unlock();
    await dara.list();
    assert.match(await dara.status(), /No network/);
  });

  await step("an interview with rows, in two languages", async () => {
    await dara.newInterview();
    await consent(dara);
    await dara.goTo("Safety");
    await dara.choose("/data/safety/do_not_contact", "No");
    await dara.choose("/data/safety/at_risk", "No");
    await dara.choose("/data/safety/contact_channel", "Messages");
    await dara.text("/data/safety/safe_contact", "Write on Sundays, ទូរស័ព្ទកុំហៅ");
    await dara.goTo("The person");
    await dara.choose("/data/person/prs_Citizenship", "Cambodia");
    await dara.goTo("What happened 1");
    await dara.choose("/data/exploitation/vic_TypeOfExploitation", "Forced labour");
    await dara.goTo("Help");
    await dara.choose("/data/help/referral_wanted", "No");
    await dara.goTo("The journey");
    for (const from of ["Cambodia", "Thailand"]) {
      if (from === "Thailand") await dara.button("+ Add: Part of the journey").click();
      await dara.page.locator('[data-path="/data/journey/journey_legs/leg_from"]').last().getByText(from, { exact: true }).click();
    }
    await dara.saved();
    await dara.page.locator(".form select.language").selectOption("Khmer (km)");
    await dara.page.locator(".form select.language").selectOption("English (en)");
    assert.equal(await dara.page.locator('[data-path="/data/journey/journey_legs/leg_from"]').count(), 2);
    await dara.closeInterview();
    assert.match(await dara.status(), /\d+ not on the server/);
    await dara.page.getByText("Only on this phone").first().waitFor();
  });

  await step("back in coverage it goes up, and the server's receipt says so", async () => {
    await world.serve();
    await dara.offline(false);
    await dara.sync();
    assert.match(await dara.status(), /^\d+ not copied$/);
    await dara.page.getByText(/The server has signed that it holds all \d+ changes/).waitFor();
    const [stored] = await world.jsonLines(FORM);
    record = stored.record;
    assert.ok(JSON.stringify(stored).includes("ទូរស័ព្ទកុំហៅ"));
  });

  await step("assigned to another phone, both answer the same question without sight of each other", async () => {
    await world.assign(record, people.linh);
    await linh.sync();
    await linh.goToList();
    await linh.openInterview("Sundays");
    await linh.offline(true);
    await answerContact(linh, "Only through her sister");
    await linh.closeInterview();
    await dara.goToList();
    await dara.offline(true);
    await dara.openInterview("Sundays");
    await answerContact(dara, "Never write, call at noon");
    await dara.closeInterview();
    for (const phone of [dara, linh, dara]) {
      await phone.offline(false);
      await phone.sync();
    }
  });

  await step("both see the conflict, with both answers and who gave them; one of them settles it", async () => {
    for (const [phone, other] of [[dara, "Linh"], [linh, "Dara"]]) {
      await phone.goToList();
      await phone.page.locator(".mark.conflict").waitFor();
      await phone.openInterview("");
      await phone.goTo("Safety");
      const both = phone.page.locator('[data-path="/data/safety/safe_contact"] .conflict');
      await both.getByText("Only through her sister").waitFor();
      await both.getByText("Never write, call at noon").waitFor();
      await both.getByText(other).waitFor();
      if (phone === dara) await phone.closeInterview();
    }
    await linh.page.locator('.conflict').getByRole("button", { name: /Only through her sister/ }).click();
    await linh.saved();
    await linh.closeInterview();
    await linh.sync();
    await dara.sync();
    await dara.goToList();
    await dara.page.locator(".mark.conflict").waitFor({ state: "detached" });
  });

  await step("finished, copied, and the phone is emptied", async () => {
    await dara.openInterview("");
    await dara.finish();
    await dara.closeInterview();
    await dara.sync();
    await dara.button("Empty this phone").click();
    await dara.page.getByText(/changes are on the server, but in no copy/).waitFor();
    await world.copy();
    await dara.sync();
    assert.match(await dara.status(), /Everything is on the server and copied/);
    await dara.button("Empty this phone").click();
    await dara.button("Empty the phone").click();
    await dara.button("Empty the phone").click();
    await dara.page.getByText("1 interviews left this phone.", { exact: false }).waitFor();
    await dara.goToList();
    await dara.page.getByText("There are no interviews here yet.").waitFor();
  });

  await step("the coordinator's table holds all of it", async () => {
    const csv = await world.csv(FORM);
    assert.ok(csv.includes("Only through her sister"), csv);
    const [stored] = await world.jsonLines(FORM);
    const text = JSON.stringify(stored);
    for (const said of ["Only through her sister", '"KH"', '"TH"']) assert.ok(text.includes(said), `${said} in ${text}`);
  });

  assert.deepEqual([...dara.complaints, ...linh.complaints], []);
});
