// SPDX-License-Identifier: Apache-2.0
// flow.mjs - the official SDK, unmodified but for its base URL, does what people do with it.
//
// Reads {base_url, token, account_id, email, certificate, private_key, client_*, csr} from standard input; prints a list of
// {group, step, problems}: what the SDK threw, what was not as it should be, and what its types miss.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import Cloudflare from "cloudflare";

import { judge } from "./judge.mjs";

const told = JSON.parse(readFileSync(0, "utf8"));
const client = new Cloudflare({ apiToken: told.token, baseURL: told.base_url, maxRetries: 0, timeout: 60_000 });
const account_id = told.account_id;
const answers = [];
let group = "";

// One call: what it resolves to is kept for the judge.  `method` is its path in the client.
async function call(method, ...args) {
  const names = method.split(".");
  const last = names.pop();
  const resource = names.reduce((at, name) => at[name], client);
  const value = await resource[last](...args);
  answers.push({ group, method, page: false, value: JSON.parse(JSON.stringify(value ?? null)), step: method });
  return value;
}

// Every item of every page, by the SDK's own paging.
async function all(method, ...args) {
  const names = method.split(".");
  const last = names.pop();
  const resource = names.reduce((at, name) => at[name], client);
  const items = [];
  for await (const item of resource[last](...args)) items.push(JSON.parse(JSON.stringify(item)));
  answers.push({ group, method, page: true, value: items, step: method });
  return items;
}

const groups = {
  async zones() {
    const names = Array.from({ length: 12 }, (_, i) => `sdk${i}.example.net`);
    for (const name of names) await call("zones.create", { account: { id: account_id }, name, type: "full" });
    const listed = await all("zones.list", { name: "starts_with:sdk", per_page: 5, order: "name", direction: "asc", account: { id: account_id } });
    assert.deepEqual(listed.map((zone) => zone.name), [...names].sort());
    const some = await all("zones.list", { name: "contains:sdk1", per_page: 5 });
    assert.equal(some.length, 3);
    const zone_id = listed[0].id;
    assert.equal((await call("zones.get", { zone_id })).name, listed[0].name);
    assert.equal((await call("zones.edit", { zone_id, paused: true })).paused, true);
    assert.equal((await call("zones.edit", { zone_id, paused: false })).paused, false);
    assert.equal((await call("zones.activationCheck.trigger", { zone_id })).id, zone_id);
    assert.equal((await all("zones.plans.list", { zone_id })).length, 4);
    await all("zones.ratePlans.get", { zone_id });
    await call("zones.subscriptions.update", { zone_id, rate_plan: { id: "pro" } });
    assert.equal((await call("zones.subscriptions.get", { zone_id })).rate_plan.id, "pro");
    for (const zone of listed) assert.equal((await call("zones.delete", { zone_id: zone.id })).id, zone.id);
    await assert.rejects(client.zones.get({ zone_id }), Cloudflare.NotFoundError);
    await assert.rejects(client.zones.create({ account: { id: account_id }, name: "localhost" }), (error) =>
      error instanceof Cloudflare.BadRequestError && error.errors[0].code === 1002);
  },

  async settings(zone_id) {
    for (const [id, value] of [["origin_max_http_version", "1"], ["origin_h2_max_streams", 7], ["ssl", "strict"]]) {
      assert.equal((await call("zones.settings.edit", id, { zone_id, value })).value, value);
      const got = await call("zones.settings.get", id, { zone_id });
      assert.equal(got.value, value);
      assert.equal(got.editable, true);
    }
    await call("zones.settings.get", "min_tls_version", { zone_id });
    await assert.rejects(client.zones.settings.edit("origin_max_http_version", { zone_id, value: "3" }), (error) =>
      error.status === 400 && error.errors[0].code === 1007);
  },

  async records(zone_id) {
    const made = await call("dns.records.create", { zone_id, type: "A", name: "www", content: "203.0.113.5", ttl: 1, proxied: true });
    const id = made.id;
    assert.equal((await call("dns.records.get", id, { zone_id })).content, "203.0.113.5");
    await call("dns.records.edit", id, { zone_id, type: "A", name: "www", ttl: 1, content: "203.0.113.6" });
    await call("dns.records.update", id, { zone_id, type: "A", name: "www", ttl: 1, content: "203.0.113.7" });
    await call("dns.records.create", { zone_id, type: "MX", name: "@", content: "mx.example.org", priority: 5, ttl: 300 });
    await call("dns.records.create", { zone_id, type: "TXT", name: "@", content: "v=spf1 -all", ttl: 300 });
    await call("dns.records.create", { zone_id, type: "CAA", name: "@", ttl: 300, data: { flags: 0, tag: "issue", value: "ca.example" } });
    await call("dns.records.create", { zone_id, type: "SRV", name: "_sip._tcp", ttl: 300,
      data: { priority: 1, weight: 2, port: 5060, target: "sip.example.org" } });
    const batch = await call("dns.records.batch", { zone_id, deletes: [{ id }],
      patches: [], puts: [], posts: Array.from({ length: 7 }, (_, i) => ({ type: "A", name: `b${i}`, content: "203.0.113.9", ttl: 300 })) });
    assert.equal(batch.posts.length, 7);
    const listed = await all("dns.records.list", { zone_id, per_page: 5, type: "A" });
    assert.equal(listed.length, 7);
    assert.match(await call("dns.records.export", { zone_id }), /b6\.\S+\s+300\s+IN\s+A\s+203\.0\.113\.9/);
    const imported = await call("dns.records.import", { zone_id, file: "imported 300 IN A 203.0.113.10\n" });
    assert.equal(imported.recs_added, 1);
    assert.equal((await call("dns.records.delete", listed[0].id, { zone_id })).id, listed[0].id);
    await assert.rejects(client.dns.records.create({ zone_id, type: "A", name: "x", content: "nonsense", ttl: 1 }), (error) =>
      error.status === 400 && error.errors[0].code === 1004);
  },

  async certificates(zone_id) {
    const { certificate, private_key } = told;
    const made = await call("customCertificates.create", { zone_id, certificate, private_key });
    assert.equal((await all("customCertificates.list", { zone_id })).length, 1);
    await call("customCertificates.get", made.id, { zone_id });
    const again = await call("customCertificates.edit", made.id, { zone_id, certificate, private_key });
    await all("customCertificates.prioritize.update", { zone_id, certificates: [{ id: again.id, priority: 1 }] });
    assert.equal((await call("customCertificates.delete", again.id, { zone_id })).id, again.id);
    await call("originTLSClientAuth.settings.update", { zone_id, enabled: true });
    assert.equal((await call("originTLSClientAuth.settings.get", { zone_id })).enabled, true);
    const client_made = await call("originTLSClientAuth.zoneCertificates.create", { zone_id,
      certificate: told.client_certificate, private_key: told.client_private_key });
    await all("originTLSClientAuth.zoneCertificates.list", { zone_id });
    await call("originTLSClientAuth.zoneCertificates.get", client_made.id, { zone_id });
    await call("originTLSClientAuth.zoneCertificates.delete", client_made.id, { zone_id });
  },

  async origin_ca(zone_id, zone_name) {
    const made = await call("originCACertificates.create", { csr: told.csr, hostnames: [zone_name, `*.${zone_name}`],
      request_type: "origin-ecc", requested_validity: 90 });
    assert.match(made.certificate, /BEGIN CERTIFICATE/);
    assert.equal((await all("originCACertificates.list", { zone_id })).length, 1);
    await call("originCACertificates.get", made.id);
    assert.equal((await call("originCACertificates.delete", made.id)).id, made.id);
  },

  async accounts() {
    assert.ok((await all("accounts.list")).some((account) => account.id === account_id));
    assert.equal((await call("accounts.get", { account_id })).id, account_id);
    const made = await call("accounts.create", { name: "made by the SDK" });
    assert.equal(made.name, "made by the SDK");
    const renamed = await call("accounts.update", { account_id: made.id, id: made.id, name: "renamed", type: "standard" });
    assert.equal(renamed.name, "renamed");
    await call("accounts.delete", { account_id: made.id });
  },

  async user() {
    assert.equal((await call("user.get")).email, told.email);
    assert.equal((await call("user.tokens.verify")).status, "active");
    await call("ips.list");
  },

  async audit() {
    const listed = await all("auditLogs.list", { account_id, per_page: 25 });
    assert.ok(listed.length > 25);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const before = new Date(Date.now() + 3_600_000).toISOString();
    assert.equal((await all("accounts.logs.audit.list", { account_id, since, before, limit: 10 })).length, listed.length);
    assert.ok((await all("user.auditLogs.list", { per_page: 50 })).length > 0);
  },

  async members() {
    const roles = await all("accounts.roles.list", { account_id });
    assert.ok(roles.length >= 4);
    await call("accounts.roles.get", roles[0].id, { account_id });
    const viewer = roles.find((role) => role.name === "Viewer");
    const made = await call("accounts.members.create", { account_id, email: "guest@example.org", roles: [viewer.id] });
    await call("accounts.members.get", made.id, { account_id });
    const listed = await all("accounts.members.list", { account_id });
    assert.equal(listed.length, 2);
    const own = listed.find((member) => member.status === "accepted");
    await call("accounts.members.update", own.id, { account_id, roles: own.roles.map(({ id }) => ({ id })) });
    assert.equal((await call("accounts.members.delete", made.id, { account_id })).id, made.id);
    await all("memberships.list");
  },

  async tokens() {
    const permissions = await all("user.tokens.permissionGroups.list");
    const read = permissions.find((one) => one.name === "Zone Read");
    const policies = [{ effect: "allow", permission_groups: [{ id: read.id }],
      resources: { [`com.cloudflare.api.account.${account_id}`]: "*" } }];
    const made = await call("user.tokens.create", { name: "sdk", policies });
    const limited = new Cloudflare({ apiToken: made.value, baseURL: told.base_url, maxRetries: 0 });
    assert.equal((await limited.user.tokens.verify()).status, "active");
    await call("user.tokens.get", made.id);
    assert.ok((await all("user.tokens.list")).some((token) => token.id === made.id));
    await call("user.tokens.update", made.id, { name: "renamed", policies, status: "active" });
    const rolled = await call("user.tokens.value.update", made.id, { body: {} });
    await assert.rejects(limited.user.tokens.verify());
    const again = new Cloudflare({ apiToken: rolled, baseURL: told.base_url, maxRetries: 0 });
    assert.equal((await again.user.tokens.verify()).id, made.id);
    assert.equal((await call("user.tokens.delete", made.id)).id, made.id);
    await assert.rejects(again.user.tokens.verify());
  },
};

const verdicts = [];
for (const name of told.groups) {
  group = name;
  try {
    const zone = await client.zones.create({ account: { id: account_id }, name: `${name.replace("_", "-")}.example.org` });
    await groups[name](zone.id, zone.name);
    verdicts.push({ group, step: "flow", problems: [] });
  } catch (error) {
    verdicts.push({ group, step: "flow", problems: [String(error.stack).slice(0, 800)] });
  }
}
judge(answers);
for (const { group: of, step, problems } of answers) verdicts.push({ group: of, step, problems });
console.log(JSON.stringify(verdicts));
