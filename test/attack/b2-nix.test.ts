import { afterAll, beforeAll, expect, test } from "vitest";
import { attack, look } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

test("B2 there is no Nix daemon to ask, and the store is the build's own", async () => {
  const lines = await look(
    podman,
    [
      "ls /nix/var/nix/daemon-socket/socket /var/nix 2>/dev/null",
      "nix store ping --store daemon >/dev/null 2>&1 && echo 'a daemon answered'",
      "stat --file-system --format=%T /nix",
      "stat --format='%u %a' /nix",
      "nix show-config 2>/dev/null | grep -E '^(accept-flake-config|build-users-group|extra-platforms|post-build-hook|sandbox|trusted-users) ='",
      "nix config show 2>/dev/null | grep -E '^(accept-flake-config|post-build-hook|sandbox) ='",
      "echo done",
    ].join("\n"),
  );
  const told = lines.filter((line) => !/^(build-users-group|extra-platforms|trusted-users) =/.test(line));
  expect([...new Set(told)].map((line) => line.trim())).toEqual([
    "tmpfs",
    "10001 755",
    "accept-flake-config = false",
    "post-build-hook =",
    "sandbox = false",
    "done",
  ]);
});

test("B2 a flake's own settings of Nix are not taken", async () => {
  const system = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";
  const flake = `{
    nixConfig = { post-build-hook = "/build/source/hook.sh"; extra-substituters = "http://192.0.2.1/"; };
    outputs = { self }: { devShells.${system}.default = derivation {
      name = "own"; system = "${system}"; builder = "/bin/bash"; args = [ "-c" "echo > $out" ]; outputs = [ "out" ];
      PATH = "/usr/local/bin:/usr/bin:/bin";
    }; };
  }`;
  const hook = '#!/bin/bash\nexec 2>/dev/null\necho "the hook ran" >/build/source/ran\n';
  const { failure, files, text } = await attack(podman, {
    files: { "flake.nix": flake, "hook.sh": hook },
    command: "mkdir out; ls ran 2>/dev/null >out/ran; echo x >out/x",
  });
  expect(failure).toBeUndefined();
  expect(files).toEqual({ ran: "", x: "x\n" });
  expect(text).toContain("Using the dev shell of the repository's flake.nix");
});

test("B2 what a build leaves in the store no other build finds", async () => {
  await attack(podman, { command: "mkdir out; echo poison >/nix/store/poison; echo x >out/x; ls /nix/store/poison" });
  expect(await look(podman, "ls /nix/store | grep -c '^poison$'")).toEqual(["0"]);
});
