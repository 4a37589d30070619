import type Dockerode from "dockerode";
import { callLibpod } from "#worker/podman/call-libpod.ts";
import { PodmanError } from "#worker/podman/podman-error.ts";
import { chooseBridge, chooseSubnet, type Subnet } from "./choose-subnet.ts";
import { sandboxLabel } from "./sandbox-labels.ts";

const attempts = 20;

/** Makes the network of one build, with a bridge and a subnet of its own and without Podman's resolver. */
export async function createNetwork(
  podman: Dockerode,
  o: { name: string; id: string; networkName: string; labels: Readonly<Record<string, string>> },
): Promise<Subnet> {
  for (let attempt = 0; ; attempt += 1) {
    const subnet = chooseSubnet(o.id, attempt);
    try {
      await callLibpod(podman, {
        attempt: `create the network ${o.name} with ${subnet.cidr}`,
        method: "POST",
        path: "/networks/create",
        json: {
          name: o.name,
          driver: "bridge",
          network_interface: chooseBridge(o.networkName, o.id),
          subnets: [{ subnet: subnet.cidr, gateway: subnet.gateway }],
          ipv6_enabled: false,
          dns_enabled: false,
          labels: { ...o.labels, [sandboxLabel]: o.networkName },
          options: { isolate: "true" },
        },
      });
      return subnet;
    } catch (error) {
      // Another network of this machine lies there. Podman tells it by no code of its own.
      const taken = error instanceof PodmanError && /already (being )?used/.test(error.message);
      if (!taken || attempt >= attempts) throw error;
    }
  }
}
