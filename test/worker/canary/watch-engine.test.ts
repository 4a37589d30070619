import { PassThrough } from "node:stream";
import type Dockerode from "dockerode";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { watchEngine } from "#worker/canary/watch-engine.ts";

/** A Podman that says what a test wants it to; only what the watch asks is there. */
function createEngine() {
  const engine = {
    events: "none" as "none" | "silent",
    answers: true,
    version: "5.0.0",
    runtime: "runc",
    stream: undefined as PassThrough | undefined,
    infos: 0,
    imageId: "one",
    networks: [{ Name: "podman", Id: "1", Driver: "bridge", Labels: {} as Record<string, string> }],
    ended: [] as { Id: string }[],
    looks: 0,
  };
  const answer = async <T>(value: T): Promise<T> => {
    if (!engine.answers) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    return value;
  };
  const client = {
    getImage: () => ({ inspect: async () => answer({ Id: engine.imageId }) }),
    info: async () => {
      engine.infos += 1;
      return answer({ ServerVersion: engine.version, KernelVersion: "6", CgroupVersion: "2", DefaultRuntime: engine.runtime });
    },
    listNetworks: async () => {
      engine.looks += 1;
      return answer(engine.networks);
    },
    listContainers: async () => answer(engine.ended),
    getEvents: async () => {
      if (engine.events === "none") throw Object.assign(new Error("no events are kept"), { statusCode: 500 });
      engine.stream = new PassThrough();
      return engine.stream;
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the watch asks for no more of it
  return { engine, podman: client as unknown as Dockerode };
}

function watch(o: { events: "none" | "silent"; lookMs?: number; blindMs?: number; settingsMs?: number }) {
  const { engine, podman } = createEngine();
  engine.events = o.events;
  const changes: string[] = [];
  const blind: string[] = [];
  const watching = watchEngine({
    podman,
    imageReference: "localhost/builder",
    networkName: "cttest",
    onChange: (reason) => changes.push(reason),
    onBlind: (reason) => blind.push(reason),
    schedule: { reconnectMs: 20, lookMs: o.lookMs ?? 20, blindMs: o.blindMs ?? 20, settingsMs: o.settingsMs ?? 60_000 },
  });
  onTestFinished(() => watching.stop());
  const settled = async (): Promise<void> => {
    const { looks } = engine;
    await eventually(() => expect(engine.looks).toBeGreaterThan(looks + 2));
  };
  return { engine, changes, blind, settled };
}

test.each(["none", "silent"] as const)(
  "An engine whose events are %s is looked at by calls: each change of it is told once",
  async (events) => {
    const { engine, changes, settled } = watch({ events });
    await settled();
    expect(changes).toEqual([]);
    engine.imageId = "two";
    await settled();
    engine.networks = [...engine.networks, { Name: "somebody's", Id: "2", Driver: "bridge", Labels: {} }];
    await settled();
    engine.networks = [...engine.networks, { Name: "a build's", Id: "3", Driver: "bridge", Labels: { "catapult.sandbox": "x" } }];
    await settled();
    engine.ended = [{ Id: "a" }];
    await settled();
    engine.answers = false;
    await settled();
    engine.version = "5.0.1";
    engine.answers = true;
    await settled();
    expect(changes).toEqual([
      "the builder image changed",
      "Podman or its networks changed",
      "a network's holder was ended by somebody else",
      "Podman's service did not answer and is back",
      "Podman or its networks changed",
    ]);
  },
);

test("Where no events come that is told, the engine is looked at more often, and what was missed counts as a change once they come", async () => {
  const { engine, changes, blind, settled } = watch({ events: "none", lookMs: 60_000, blindMs: 20 });
  await settled();
  expect(blind).toEqual(["Could not follow the events: Podman answered no events are kept"]);
  expect(changes).toEqual([]);
  engine.events = "silent";
  await eventually(() => expect(changes).toEqual(["Podman's events were lost and are back"]));
  expect(blind).toHaveLength(1);
});

test("While events come Podman is not asked for its settings again: other ones are told once the stream broke, or no answer came", async () => {
  const { engine, changes, settled } = watch({ events: "silent" });
  await settled();
  await settled();
  expect(engine.infos).toBe(1);
  engine.runtime = "crun";
  engine.stream?.end();
  await eventually(() =>
    expect(changes.toSorted()).toEqual(["Podman or its networks changed", "Podman's events were lost and are back"]),
  );
  await settled();
  engine.answers = false;
  await settled();
  engine.runtime = "runc";
  engine.answers = true;
  await eventually(() =>
    expect(changes.slice(2)).toEqual(["Podman's service did not answer and is back", "Podman or its networks changed"]),
  );
  const { infos } = engine;
  await settled();
  expect(engine.infos).toBe(infos);
});

test.each([
  ["whose events are told not to come", { events: "none" as const }],
  ["that told its settings long ago", { events: "silent" as const, settingsMs: 40 }],
])("Other settings of an engine %s are told though nothing broke", async (_, o) => {
  const { engine, changes, settled } = watch(o);
  await settled();
  engine.runtime = "crun";
  await eventually(() => expect(changes).toEqual(["Podman or its networks changed"]));
});
