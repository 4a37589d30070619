import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startGitServer, type GitServer } from "#test/support/git-server.ts";
import { watchAround } from "#test/support/watch-around.ts";
import { CloneError } from "#worker/clone/clone-error.ts";
import { fetchCommit, type Clone, type FetchRequest } from "#worker/clone/fetch-commit.ts";
import { runGit } from "#worker/clone/run-git.ts";
import { archiveCommit, archiveTree, listFolder } from "#worker/clone/read-tree.ts";
import { publishRelease } from "#worker/publish/publish-release.ts";

let server: GitServer;
/** Outside of all that git is given: what a hostile repository tries to read or to make. */
let outside: string;
const signal = new AbortController().signal;
const secret = "the-host's-own-file";

beforeAll(async () => {
  server = await startGitServer();
  outside = await mkdtemp(join(tmpdir(), "catapult-outside-"));
  await writeFile(join(outside, "secret.txt"), secret);
});
afterAll(async () => {
  await server.stop();
  await rm(outside, { recursive: true });
});
beforeEach(() => {
  server.intercept(undefined);
  server.requests.length = 0;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  const found = await readdir(outside);
  if (found.join() !== "secret.txt") throw new Error(`what lies outside was touched: ${found.join(", ")}`);
});

watchAround(() => [join(server.folder, "clones"), outside]);

function request(commit: string, changes: Partial<FetchRequest> = {}): FetchRequest {
  return {
    baseUrl: server.url,
    repository: "acme/site",
    commit,
    token: "ghs_secretToken123",
    clonesDir: join(server.folder, "clones"),
    limits: { timeoutMs: 20_000, maxFileBytes: 10_000_000 },
    signal,
    ...changes,
  };
}

async function refusal(work: Promise<Clone>): Promise<CloneError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CloneError)) throw new Error(`expected a CloneError, got ${String(error)}`);
  expect(error.message).not.toContain("ghs_secretToken123");
  expect(await readdir(join(server.folder, "clones")).catch(() => []), "no clone is left").toEqual([]);
  return error;
}

/** The files of a commit as a build gets them. */
async function archived(commit: string, changes: Partial<FetchRequest> = {}): Promise<string> {
  const clone = await fetchCommit(request(commit, changes));
  try {
    return (await buffer(archiveCommit(clone, 10_000_000, signal))).toString("latin1");
  } finally {
    await clone.remove();
  }
}

/** A commit of a tree whose entries are written as they stand, whatever git's own commands think of their names. */
function commitTree(repository: string, entries: readonly { mode: string; name: string; id: string }[]): string {
  const raw = Buffer.concat(
    entries.map(({ mode, name, id }) => Buffer.concat([Buffer.from(`${mode} ${name}\0`, "latin1"), Buffer.from(id, "hex")])),
  );
  return commitOf(repository, server.git(repository, ["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], raw));
}

function commitOf(repository: string, tree: string): string {
  const commit = server.git(repository, ["commit-tree", "-m", "x", tree]);
  server.git(repository, ["update-ref", "refs/heads/main", commit]);
  return commit;
}

function blob(repository: string, content: string | Buffer): string {
  return server.git(repository, ["hash-object", "-w", "--stdin"], content);
}

/**
 * A machine whose git has this configuration where it looks by `variable`: a folder for the front of PATH, with a git that sets it. git is
 * started with PATH of all variables, so that nothing under /etc need be touched.
 */
async function plantConfig(
  text: string,
  variable: string,
  ...settings: string[]
): Promise<{ path: string; ask: (...args: string[]) => string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "catapult-machine-"));
  await writeFile(join(folder, ".gitconfig"), text);
  const value = variable === "HOME" ? folder : join(folder, ".gitconfig");
  const git = execFileSync("/bin/sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  await mkdir(join(folder, "bin"));
  const script = `#!/bin/sh\nexport ${[`${variable}='${value}'`, ...settings].join(" ")}\nexec ${git} "$@"\n`;
  await writeFile(join(folder, "bin/git"), script, { mode: 0o755 });
  return {
    path: `${folder}/bin:${process.env["PATH"] ?? ""}`,
    ask: (...args) =>
      execFileSync(join(folder, "bin/git"), args, {
        encoding: "utf8",
        cwd: folder,
        env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" },
      }),
    remove: () => rm(folder, { recursive: true }),
  };
}

describe("what names a commit", () => {
  test.each([
    ["39 digits", "a".repeat(39)],
    ["41 digits", "a".repeat(41)],
    ["zeros", "0".repeat(40)],
    ["HEAD", "HEAD"],
    ["upper case", "A".repeat(40)],
    ["an option", "--upload-pack=touch"],
    ["a refspec", `${"a".repeat(40)}:refs/heads/x`],
    ["a newline", `${"a".repeat(40)}\n`],
  ])("input 27 a SHA that is %s is refused before git is started", async (_, commit) => {
    expect((await refusal(fetchCommit(request(commit)))).reason).toBe("commit_invalid");
    expect(server.requests).toEqual([]);
  });
  test.each(["ext::sh -c id", "../x", "acme/../../x", "-acme/site", "acme", "acme/a b", "acme/site\n", "--upload-pack=x/y"])(
    "input 25 the repository %j is refused before git is started",
    async (repository) => {
      expect((await refusal(fetchCommit(request("a".repeat(40), { repository })))).reason).toBe("repository_invalid");
      expect(server.requests).toEqual([]);
    },
  );
  test.each([
    "ext::sh -c touch% OUTSIDE/made #",
    "file:///OUTSIDE",
    "ssh://x@127.0.0.1",
    "git://127.0.0.1:1",
    "ftp://127.0.0.1:1",
  ])("input 25 even as the base of the URLs %s is no way to fetch", async (base) => {
    const error = await refusal(fetchCommit(request("a".repeat(40), { baseUrl: base.replace("OUTSIDE", outside) })));
    expect(error.message).toMatch(/transport '\w+' not allowed/);
  });
  test("F5, input 24 a branch called --upload-pack=… is a name that git is never given", async () => {
    const commit = await server.commit("acme/site", { "index.html": "x" });
    server.git("acme/site", ["update-ref", `refs/heads/--upload-pack=touch\${IFS}${outside}/made`, commit]);
    expect(await archived(commit)).toContain("index.html");
  });
  test("F8 a force-push between the decision and the clone never brings the newer commit under the older one's name", async () => {
    const decided = await server.commit("acme/moved", { "index.html": "decided" });
    const pushed = await server.commit("acme/moved", { "index.html": "pushed" });
    const tar = await archived(decided, { repository: "acme/moved" });
    expect(tar).toContain("decided");
    expect(tar).not.toContain("pushed");
    // A server that drops what was pushed over has no such commit any more.
    server.git("acme/moved", ["reflog", "expire", "--expire=now", "--all"]);
    server.git("acme/moved", ["prune", "--expire=now"]);
    expect((await refusal(fetchCommit(request(decided, { repository: "acme/moved" })))).reason).toBe("commit_not_found");
    expect(pushed).not.toBe(decided);
  });
  test("F8 a tag whose id is asked for is not the commit that was asked for", async () => {
    const commit = await server.commit("acme/tagged", { "index.html": "x" });
    const tag = server.git("acme/tagged", ["mktag"], `object ${commit}\ntype commit\ntag t\ntagger A <a@b.test> 0 +0000\n\nx\n`);
    server.git("acme/tagged", ["update-ref", "refs/tags/t", tag]);
    const error = await refusal(fetchCommit(request(tag, { repository: "acme/tagged" })));
    expect([error.reason, error.message]).toEqual([
      "commit_mismatch",
      `the server gave commit ${commit} of acme/tagged where ${tag} was asked for`,
    ]);
  });
});

describe("F7 what a repository may not make git do", () => {
  test("input 53 a submodule by file:// and one at a path that ends in CR bring nothing in", async () => {
    const repository = "acme/modules";
    const inner = await server.commit("acme/inner", { "inner.txt": "inner content" });
    const modules = [
      `[submodule "a"]\n\tpath = a\n\turl = file://${join(server.folder, "bare/acme/inner.git")}`,
      `[submodule "b"]\n\tpath = "b\r"\n\turl = ${server.url}/acme/inner.git\n\tupdate = !touch ${outside}/made`,
    ];
    const id = blob(repository, `${modules[0]}\n`);
    const commit = commitTree(repository, [
      { mode: "100644", name: ".gitmodules", id },
      { mode: "160000", name: "a", id: inner },
      { mode: "160000", name: "b\r", id: inner },
    ]);
    const tar = await archived(commit, { repository });
    expect(tar).not.toContain("inner content");
    expect(server.requests.filter(({ url }) => !url.startsWith("/acme/modules.git/"))).toEqual([]);
    // A command in .gitmodules: git's own check of objects refuses the repository.
    const hostile = commitTree(repository, [{ mode: "100644", name: ".gitmodules", id: blob(repository, `${modules[1]}\n`) }]);
    expect((await refusal(fetchCommit(request(hostile, { repository })))).reason).toBe("repository_malformed");
  });

  test("input 54 filters, LFS, hooks, templates and URLs of the host's own configuration are not used", async () => {
    const home = await mkdtemp(join(tmpdir(), "catapult-home-"));
    const run = `touch ${outside}/made`;
    await mkdir(join(home, "template/hooks"), { recursive: true });
    await writeFile(join(home, "template/hooks/reference-transaction"), `#!/bin/sh\n${run}\n`, { mode: 0o755 });
    const config = [
      `[filter "lfs"]\n\tsmudge = ${run}\n\tprocess = ${run}\n\tclean = ${run}\n\trequired = true`,
      `[init]\n\ttemplateDir = ${home}/template`,
      `[core]\n\thooksPath = ${home}/template/hooks\n\tfsmonitor = ${run}\n\tattributesFile = ${home}/attributes`,
      `[url "file://${outside}/"]\n\tinsteadOf = ${server.url}/`,
      `[tar "tar"]\n\tcommand = ${run}`,
      `[credential]\n\thelper = "!${run}"`,
      "",
    ];
    await writeFile(join(home, ".gitconfig"), config.join("\n"));
    await writeFile(join(home, "attributes"), "* export-ignore\n");
    for (const [name, value] of Object.entries({
      HOME: home,
      XDG_CONFIG_HOME: home,
      GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
      GIT_CONFIG_SYSTEM: join(home, ".gitconfig"),
      GIT_TEMPLATE_DIR: join(home, "template"),
      GIT_ASKPASS: join(home, "template/hooks/reference-transaction"),
      GIT_SSH_COMMAND: run,
      GIT_PROXY_COMMAND: run,
      GIT_TRACE: join(outside, "trace"),
      GIT_TRACE_CURL: join(outside, "trace"),
      GIT_EXTERNAL_DIFF: run,
    }))
      vi.stubEnv(name, value);
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 5\n`;
    const id = await (async () => {
      const files = {
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        ".lfsconfig": `[lfs]\n\turl = ${server.url}/lfs\n`,
        "big.bin": pointer,
      };
      return server.commit("acme/lfs", files);
    })();
    server.requests.length = 0;
    const tar = await archived(id, { repository: "acme/lfs" });
    expect(tar).toContain(pointer);
    expect(server.requests.map(({ url }) => url).filter((url) => !url.startsWith("/acme/lfs.git/"))).toEqual([]);
    vi.unstubAllEnvs();
    await rm(home, { recursive: true });
  });

  test.each(["GIT_CONFIG_SYSTEM", "HOME"])(
    "F7 the configuration of a machine that git would read by %s is not read at all",
    async (name) => {
      const machine = await plantConfig(`[url "file://${outside}/"]\n\tinsteadOf = ${server.url}/\n`, name);
      // A git that is asked plainly does read it, else this would prove nothing.
      expect(machine.ask("config", "--get-regexp", "url.*")).toContain("insteadof");
      const commit = await server.commit("acme/site", { "index.html": "x" });
      vi.stubEnv("PATH", machine.path);
      expect(await archived(commit)).toContain("index.html");
      await machine.remove();
    },
  );

  test("F7 each setting of git that keeps a repository in its bounds wins over one of the machine's, were that read after all", async () => {
    const hostile: [name: string, planted: string, ours: string][] = [
      ["core.hooksPath", "/hostile", "/dev/null"],
      ["core.bigFileThreshold", "9g", "16m"],
      ["core.fsmonitor", "/hostile", "false"],
      ["core.maxTreeDepth", "99999", "1024"],
      ["credential.helper", "!hostile", ""],
      ["fetch.bundleURI", `${server.url}/bundle.git/one`, ""],
      ["fetch.fsckObjects", "false", "true"],
      ["fetch.recurseSubmodules", "true", "false"],
      ["gc.auto", "1", "0"],
      ["http.followRedirects", "true", "false"],
      ["maintenance.auto", "true", "false"],
      ["protocol.allow", "always", "never"],
      ["transfer.bundleURI", "true", "false"],
    ];
    const text = hostile.map(([name, planted]) => `[${name.replace(".", "]\n\t")} = ${planted}\n`).join("");
    const machine = await plantConfig(text, "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM=0");
    vi.stubEnv("PATH", machine.path);
    const gitDir = await mkdtemp(join(tmpdir(), "catapult-config-"));
    const limits = { timeoutMs: 20_000, maxFileBytes: 10_000_000 };
    await runGit({ gitDir, args: ["init", "--quiet", "--bare", "--template="], limits, signal });
    const found = [];
    for (const [name] of hostile) {
      const said = await runGit({ gitDir, args: ["config", "--get-all", name], limits, signal });
      const values = said.toString().split("\n").slice(0, -1);
      found.push([name, values[0], values.at(-1)]);
    }
    expect(found).toEqual(hostile);
    await rm(gitDir, { recursive: true });
    await machine.remove();
  });

  test.each([".git", ".GIT", ".Git", "git~1", ".g\u200cit", "..", ".", "a/b"])(
    "input 55 a tree that holds %j is refused",
    async (name) => {
      const repository = "acme/paths";
      const id = blob(repository, "x");
      const commit = commitTree(repository, [{ mode: "100644", name: Buffer.from(name).toString("latin1"), id }]);
      const error = await refusal(fetchCommit(request(commit, { repository })));
      expect(error.reason).toBe("repository_malformed");
    },
  );

  test("input 55 the same name twice in one folder is refused, and names that differ only in case never become a site", async () => {
    const repository = "acme/twins";
    const [a, b] = [blob(repository, "one"), blob(repository, "two")];
    const twice = commitTree(repository, [
      { mode: "100644", name: "a.html", id: a },
      { mode: "100644", name: "a.html", id: b },
    ]);
    expect((await refusal(fetchCommit(request(twice, { repository })))).reason).toBe("repository_malformed");
    const cases = commitTree(repository, [
      { mode: "100644", name: "Index.html", id: a },
      { mode: "100644", name: "index.html", id: b },
    ]);
    const clone = await fetchCommit(request(cases, { repository }));
    const sitesDir = await mkdtemp(join(tmpdir(), "catapult-sites-"));
    const published = publishRelease({
      sitesDir,
      siteId: 1n,
      release: "1-00000000",
      newestMtime: 0,
      tar: () => archiveTree(clone, "", 1_000_000, signal),
      limits: { maxBytes: 1_000_000, maxFiles: 100 },
      signal,
    });
    await expect(published).rejects.toMatchObject({ reason: "output_refused" });
    await clone.remove();
    await rm(sitesDir, { recursive: true });
  });

  test("input 57 a redirect to another server is not followed, at the first request nor at the pack, and gets no token", async () => {
    const commit = await server.commit("acme/site", { "index.html": "x" });
    const visits: (string | undefined)[] = [];
    const other = createServer((call, response) => {
      visits.push(call.headers.authorization);
      response.writeHead(404).end();
    });
    await new Promise<void>((settle) => other.listen(0, "127.0.0.1", settle));
    const address = other.address();
    const port = typeof address === "object" ? address?.port : 0;
    for (const at of ["info/refs", "git-upload-pack"]) {
      server.intercept((call, response, pass) => {
        const path = call.url?.split("?")[0] ?? "";
        if (path.endsWith(at)) response.writeHead(307, { location: `http://127.0.0.1:${port}${call.url ?? ""}` }).end();
        else pass();
      });
      await refusal(fetchCommit(request(commit)));
    }
    expect(visits).toEqual([]);
    other.close();
  });
});

describe("what is more than it looks", () => {
  test("input 56 a commit of a million entries in eight objects is refused by its count", async () => {
    const repository = "acme/bomb";
    let id = blob(repository, "x");
    let mode = "100644";
    for (let depth = 0; depth < 6; depth++) {
      const lines = Array.from({ length: 10 }, (_, n) => `${mode} ${mode === "100644" ? "blob" : "tree"} ${id}\t${n}`);
      id = server.git(repository, ["mktree"], `${lines.join("\n")}\n`);
      mode = "040000";
    }
    const error = await refusal(fetchCommit(request(commitOf(repository, id), { repository })));
    expect([error.reason, error.message]).toEqual([
      "repository_too_large",
      "the commit has more files and folders than its limit of 250000: at least 250001",
    ]);
  });

  test("input 56 folders that go deeper than a path may be are refused", async () => {
    const repository = "acme/deep";
    let tree = server.git(repository, ["mktree"], `100644 blob ${blob(repository, "x")}\tx\n`);
    for (let depth = 0; depth < 30; depth++)
      tree = server.git(repository, ["mktree"], `040000 tree ${tree}\t${"d".repeat(200)}\n`);
    const error = await refusal(fetchCommit(request(commitOf(repository, tree), { repository })));
    expect(error.reason).toBe("repository_malformed");
  });

  test("input 56 a pack is cut at its cap of bytes", async () => {
    const commit = await server.commit("acme/big", { "noise.bin": randomBytes(400_000) });
    const limits = { timeoutMs: 20_000, maxFileBytes: 65_536 };
    const error = await refusal(fetchCommit(request(commit, { repository: "acme/big", limits })));
    expect([error.reason, error.message]).toEqual([
      "repository_too_large",
      "git fetch wrote a file up to its limit of 65536 bytes, and had more to write: the commit is too large",
    ]);
  });

  test("input 56 an object of a few bytes that unfolds to hundreds of megabytes is cut at the cap of memory", async () => {
    const repository = "acme/unfolds";
    const tree = server.git(repository, ["mktree"], `100644 blob ${blob(repository, "x")}\tx\n`);
    // Of a blob git makes a stream; a commit it holds in memory.
    const text = Buffer.concat([
      Buffer.from(`tree ${tree}\nauthor A <a@b.test> 0 +0000\ncommitter A <a@b.test> 0 +0000\n\n`),
      Buffer.alloc(200_000_000, "a"),
    ]);
    const commit = server.git(repository, ["hash-object", "-t", "commit", "-w", "--stdin"], text);
    server.git(repository, ["update-ref", "refs/heads/main", commit]);
    const limits = { timeoutMs: 20_000, maxFileBytes: 10_000_000, maxMemoryBytes: 160 * 2 ** 20 };
    expect((await refusal(fetchCommit(request(commit, { repository, limits })))).reason).toBe("repository_too_large");
  });

  test("input 58 a pack that stalls is ended at the deadline, and one that is cut is no commit", async () => {
    const commit = await server.commit("acme/site", { "index.html": randomBytes(50_000) });
    const cut = (then: "stall" | "end"): void =>
      server.intercept((call, response, pass) => {
        if (call.method !== "POST") return pass();
        const write = response.write.bind(response);
        const end = response.end.bind(response);
        let sent = 0;
        let isCut = false;
        response.write = (chunk: Buffer): boolean => {
          if (isCut) return true;
          sent += chunk.length;
          isCut = sent > 2_000;
          write(isCut ? chunk.subarray(0, 300) : chunk);
          if (isCut && then === "end") end();
          return true;
        };
        response.end = () => (isCut ? response : end());
        return pass();
      });
    cut("end");
    const truncated = await refusal(fetchCommit(request(commit)));
    expect(truncated.reason).toBe("transfer_broken");
    cut("stall");
    const limits = { timeoutMs: 1_000, maxFileBytes: 10_000_000 };
    expect((await refusal(fetchCommit(request(commit, { limits })))).reason).toBe("deadline_exceeded");
  });

  test("F8, input 58 a pack of another commit, sent where the wanted one was asked for, is refused", async () => {
    const wanted = await server.commit("acme/site", { "index.html": "wanted" });
    const other = await server.commit("acme/site", { "index.html": "other" });
    // As a compromised server or proxy would: git is told of another want than the worker's, and answers with a sound pack.
    let swapped = 0;
    server.intercept((call, _, pass) => {
      if (call.method !== "POST") return pass();
      void (async () => {
        const text = (await buffer(call)).toString("latin1");
        if (text.includes(`want ${wanted}`)) swapped += 1;
        pass(Buffer.from(text.replaceAll(wanted, other), "latin1"));
      })();
      return undefined;
    });
    const error = await refusal(fetchCommit(request(wanted)));
    expect([swapped, error.reason]).toEqual([1, "commit_mismatch"]);
    // The same server gives the commit once it is honest: it was the pack that was refused.
    server.intercept(undefined);
    expect(await archived(wanted)).toContain("wanted");
  });

  test("input 58 a server that has another repository in its place has no such commit", async () => {
    const wanted = await server.commit("acme/site", { "index.html": "wanted" });
    await server.commit("acme/other", { "index.html": "other" });
    server.intercept((call, _, pass) => {
      call.url = (call.url ?? "").replace("/acme/site.git/", "/acme/other.git/");
      pass();
    });
    expect((await refusal(fetchCommit(request(wanted)))).reason).toBe("commit_not_found");
  });
});

test(".git is in nothing that a build is given, nor in what stays of the clone afterwards", async () => {
  const commit = await server.commit("acme/site", { "index.html": "x" });
  const clone = await fetchCommit(request(commit));
  const tar = await buffer(Readable.from(await archiveTree(clone, "", 1_000_000, signal)));
  expect(tar.toString("latin1")).not.toMatch(/\.git\/|HEAD|refs\/heads/);
  expect((await listFolder(clone, "", signal))?.map(({ name }) => name)).toEqual(["index.html"]);
  await clone.remove();
  expect(await readdir(join(server.folder, "clones"))).toEqual([]);
});
