import { describe, expect, test } from "vitest";
import { checkConfigHosts, checkDeploymentConfig, type ConfigValues } from "#central/operator/check-deployment-config.ts";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";

const good: ConfigValues = {
  githubRepo: "site",
  domain: "example.org",
  subdomain: "www",
  siteType: SiteType.AUTO,
  buildCommand: "",
  outputDir: "",
  rootDir: "",
};
const custom = { siteType: SiteType.CUSTOM, buildCommand: "make", outputDir: "out" };

describe("checkDeploymentConfig", () => {
  test.each<[string, Partial<ConfigValues>]>([
    ["the least", {}],
    ["custom with all it needs", custom],
    ["a command of several lines", { buildCommand: "npm ci\n\tnpm run build" }],
    ["static", { siteType: SiteType.STATIC }],
    ["no subdomain", { subdomain: "" }],
  ])("lets %s pass", (_, change) => {
    expect(checkDeploymentConfig({ ...good, ...change })).toEqual([]);
  });

  test.each<[string, Partial<ConfigValues>, string]>([
    ["input 28 a repository that climbs", { githubRepo: ".." }, "github_repo"],
    ["input 28 a repository's clone name", { githubRepo: "site.git" }, "github_repo"],
    ["input 29 a case variant of the domain", { domain: "Example.org" }, "domain"],
    ["input 30 a trailing dot", { domain: "example.org." }, "domain"],
    ["input 30 a trailing dot in the subdomain", { subdomain: "www." }, "subdomain"],
    ["input 31 a wildcard", { subdomain: "*" }, "subdomain"],
    [
      "input 32 a host of more than 253 together",
      { domain: `${"d.".repeat(100)}org`, subdomain: "s.".repeat(24) + "abc" },
      "subdomain",
    ],
    ["input 33 bad punycode", { subdomain: "xn--a" }, "subdomain"],
    ["input 34 an IP address", { domain: "10.0.0.1" }, "domain"],
    ["input 34 bare localhost", { domain: "localhost" }, "domain"],
    ["input 35 a port", { domain: "example.org:80" }, "domain"],
    ["input 36 a placeholder", { subdomain: "{http.request.host}" }, "subdomain"],
    ["input 37 a reserved name", { subdomain: "deployer" }, "subdomain"],
    ["input 37 a preview's name", { subdomain: "pr-3-site" }, "subdomain"],
    ["input 39 output above", { outputDir: "../" }, "output_dir"],
    ["input 39 output at the root", { outputDir: "/etc" }, "output_dir"],
    ["input 39 output in place", { outputDir: "." }, "output_dir"],
    ["input 39 output from .git", { outputDir: ".git" }, "output_dir"],
    ["input 39 root above", { rootDir: "a/.." }, "root_dir"],
    ["input 40 custom without a command", { ...custom, buildCommand: "" }, "build_command"],
    ["input 40 a blank command", { buildCommand: " \n" }, "build_command"],
    ["input 40 a command with NUL", { buildCommand: "a\u0000b" }, "build_command"],
    ["input 40 a command with ESC", { buildCommand: "a\u001b[2J" }, "build_command"],
    ["input 40 a command of 10 MB", { buildCommand: "x".repeat(10_000_000) }, "build_command"],
    ["custom without an output folder", { ...custom, outputDir: "" }, "output_dir"],
    ["static with a command", { siteType: SiteType.STATIC, buildCommand: "make" }, "build_command"],
  ])("refuses %s and names the field alone", (_, change, field) => {
    expect(checkDeploymentConfig({ ...good, ...change }).map((found) => found.field)).toEqual([`deployment_config.${field}`]);
  });

  test("names every bad field at once", () => {
    const bad = { ...good, domain: "", subdomain: "*", outputDir: "/", rootDir: "/", buildCommand: " ", githubRepo: "." };
    expect(checkDeploymentConfig(bad)).toHaveLength(6);
  });
});

describe("checkConfigHosts", () => {
  const environment = { name: "north", domainSuffixes: ["example.org", "north.example.net"] };
  test.each(["example.org", "a.example.org", "north.example.net"])("lets %s pass", (domain) => {
    expect(checkConfigHosts({ domain }, environment, "site")).toEqual([]);
  });
  test.each(["example.net", "south.example.net", "badexample.org", "org"])(
    "input 38 refuses %s: it is outside the environment",
    (domain) => {
      const [found] = checkConfigHosts({ domain }, environment, "site");
      expect(found?.field).toBe("deployment_config.domain");
      expect(found?.message).toContain("example.org, north.example.net");
    },
  );
  test.each(["deployer.example.org", "pr-3-x.example.org", "a.deployer.example.org"])("input 37 refuses %s", (domain) => {
    expect(checkConfigHosts({ domain }, environment, "site")).toHaveLength(1);
  });
  test("a suffix may hold a label that would be reserved below it", () => {
    expect(checkConfigHosts({ domain: "central.coop" }, { name: "c", domainSuffixes: ["central.coop"] }, "site")).toEqual([]);
  });
});
