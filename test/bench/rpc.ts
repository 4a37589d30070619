// `npm run bench:rpc`: what a signature costs, and how fast operators are answered. The servers are processes of their own.
import { measureReads } from "./measure-reads.ts";
import { measureSignatures } from "./measure-signatures.ts";

await measureSignatures();
await measureReads();
