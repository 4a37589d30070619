import { execFile } from "node:child_process";
import { buf, root } from "./run-buf.ts";

export const protocols = ["connect", "grpc", "grpcweb"] as const;
export type Protocol = (typeof protocols)[number];

export type CurlAnswer = { code: number; out: string; err: string };

/** Runs the real `buf curl` as a person would, without a schema unless one is named. It ends by itself or after 30 s. */
export function bufCurl(
  url: string,
  o: {
    ca?: string;
    token?: string;
    protocol?: Protocol;
    data?: unknown;
    headers?: string[];
    words?: string[];
    /** Gets what it prints, as it prints it. */
    onOutput?: (text: string) => void;
  } = {},
): Promise<CurlAnswer> {
  const words = [
    "curl",
    ...(o.ca === undefined ? [] : ["--cacert", o.ca]),
    ...(o.protocol === undefined ? [] : ["--protocol", o.protocol]),
    ...[...(o.headers ?? []), ...(o.token === undefined ? [] : [`Authorization: Bearer ${o.token}`])].flatMap((header) => [
      "-H",
      header,
    ]),
    ...(o.data === undefined ? [] : ["-d", JSON.stringify(o.data)]),
    ...(o.words ?? []),
    url,
  ];
  return new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: 64 * 1024 * 1024, timeout: 30_000 };
    const child = execFile(buf, words, options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
    if (o.onOutput !== undefined) child.stdout?.on("data", o.onOutput);
  });
}
