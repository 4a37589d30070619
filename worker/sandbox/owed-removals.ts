import type Dockerode from "dockerode";

type Removal = () => Promise<void>;

/** What is to go and did not, because Podman was away or hung, by a name for it. Of each Podman one list: everything of a worker asks by the same. */
const lists = new WeakMap<Dockerode, Map<string, Removal>>();

/**
 * Removes something, and keeps in mind what Podman did not do, for `removeOwed`: whoever asked for it goes on to other things, or is gone. The
 * error is passed on all the same.
 */
export async function removeOrOwe(podman: Dockerode, name: string, remove: Removal): Promise<void> {
  const owed = lists.get(podman) ?? new Map<string, Removal>();
  lists.set(podman, owed);
  try {
    await remove();
    owed.delete(name);
  } catch (error) {
    owed.set(name, remove);
    throw error;
  }
}

/** Tries everything again that is owed, the oldest first, and answers how much of it is gone now. What fails again is owed still. */
export async function removeOwed(podman: Dockerode): Promise<number> {
  const owed = lists.get(podman);
  let removed = 0;
  for (const [name, remove] of owed ?? [])
    try {
      await remove();
      owed?.delete(name);
      removed += 1;
    } catch {
      // Its time comes again.
    }
  return removed;
}
