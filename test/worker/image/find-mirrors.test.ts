import { expect, test } from "vitest";
import { chooseMirrors } from "#worker/image/find-mirrors.ts";

const fallback = { debian: "http://deb.debian.org/debian", security: "http://deb.debian.org/debian-security" };

test("the machine's own Debian mirrors are used, in either form of sources", () => {
  expect(chooseMirrors(["deb [signed-by=/k.gpg] https://mirror.example/debian/ bookworm main\n"])).toEqual({
    ...fallback,
    debian: "https://mirror.example/debian",
  });
  expect(
    chooseMirrors([
      "Types: deb\nURIs: http://a.example/debian\nSuites: trixie\n",
      "Types: deb\nURIs: http://b.example/debian-security/\n",
    ]),
  ).toEqual({ debian: "http://a.example/debian", security: "http://b.example/debian-security" });
});

test("comments, and mirrors of something else, are not", () => {
  expect(
    chooseMirrors([
      "# deb http://old.example/debian bookworm main\n# http://snapshot.example/archive/debian\n",
      "deb http://archive.ubuntu.com/ubuntu noble main\ndeb https://deb.nodesource.com/node_20.x nodistro main\n",
      "deb cdrom:[Debian]/debian trixie main\n",
    ]),
  ).toEqual(fallback);
});
