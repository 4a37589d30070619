import { checkCgroups } from "./check-cgroups.ts";
import { checkConnections } from "./check-connections.ts";
import { checkDisk } from "./check-disk.ts";
import { checkNode } from "./check-node.ts";
import { checkPorts } from "./check-ports.ts";
import { checkPrograms } from "./check-programs.ts";
import { checkUser } from "./check-user.ts";
import type { Need } from "./need.ts";

/** Everything that Catapult needs of a machine, and what of it was found. Nothing is changed. */
export async function examineMachine(): Promise<Need[]> {
  const [programs, cgroups, user, ports, disk, connections] = await Promise.all([
    checkPrograms(),
    checkCgroups(),
    checkUser(),
    checkPorts(),
    checkDisk(),
    checkConnections(),
  ]);
  return [checkNode(), ...programs, cgroups, ...user, ...ports, disk, connections];
}
