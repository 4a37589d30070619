import { expect, test } from "vitest";
import { checkEnvironment } from "#central/operator/check-environment.ts";
import { checkWorker, canonicalEndpoint } from "#central/operator/check-worker.ts";

const good = { domainSuffixes: ["example.org"], sitesUrl: "https://{host}" };

test.each(["https://{host}", "http://{host}", "http://{host}:8081", "https://{host}:65535"])(
  "takes the sites' URL %s",
  (sitesUrl) => {
    expect(checkEnvironment({ ...good, sitesUrl })).toEqual([]);
  },
);
test.each([
  "https://example.org",
  "https://{host}/",
  "ftp://{host}",
  "{host}",
  "https://{host}:0",
  "https://{host}:65536",
  "https://{host}:080",
  "https://x.{host}",
])("refuses the sites' URL %s and names the field", (sitesUrl) => {
  expect(checkEnvironment({ ...good, sitesUrl }).map(({ field }) => field)).toEqual(["environment.sites_url"]);
});
test.each(["localhost", "*.example.org", "Example.org", "deployer.example.org", "pr-1-x.example.org", "127.0.0.1", "{host}"])(
  "refuses the suffix %s and names its place",
  (suffix) => {
    const found = checkEnvironment({ ...good, domainSuffixes: ["example.org", suffix] });
    expect(found.map(({ field }) => field)).toEqual(["environment.domain_suffixes[1]"]);
  },
);
test("refuses a suffix that is there twice, and names every bad field at once", () => {
  const found = checkEnvironment({ domainSuffixes: ["a.org", "a.org", "b"], sitesUrl: "x" });
  expect(found.map(({ field }) => field)).toEqual([
    "environment.domain_suffixes[1]",
    "environment.domain_suffixes[2]",
    "environment.sites_url",
  ]);
});

test.each([
  ["https://deployer.example.org", "https://deployer.example.org"],
  ["https://10.0.0.1:8443/", "https://10.0.0.1:8443"],
  ["http://127.0.0.1:1", "http://127.0.0.1:1"],
  ["http://[::1]:1", "http://[::1]:1"],
  ["http://localhost:8080", "http://localhost:8080"],
])("takes the endpoint %s", (endpoint, stored) => {
  expect(checkWorker({ endpoint })).toEqual([]);
  expect(canonicalEndpoint(endpoint)).toBe(stored);
});
test.each([
  "http://example.org",
  "http://127.0.0.1.example.org",
  "ftp://example.org",
  "https://user:pw@example.org",
  "https://example.org/x",
  "https://example.org?x",
  "https://example.org#x",
  "https://{host}",
  "x",
])("refuses the endpoint %s", (endpoint) => {
  expect(checkWorker({ endpoint }).map(({ field }) => field)).toEqual(["worker.endpoint"]);
});
