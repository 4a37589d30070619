// What vitest's own result files say together: the later one counts for a file that is in both. `counts` prints "passed failed", `failed`
// the files to run once more. A file that did not load has no tests to count: it is one failure, and so is a run that left no result.
import { readFileSync } from "node:fs";

const [what, ...results] = process.argv.slice(2);
const files = new Map();
let missing = 0;
for (const result of results) {
  try {
    for (const file of JSON.parse(readFileSync(result, "utf8")).testResults) files.set(file.name, file);
  } catch {
    missing = 1;
  }
}
const count = (file, status) => file.assertionResults.filter((test) => test.status === status).length;
const failures = (file) => Math.max(count(file, "failed"), file.status === "failed" ? 1 : 0);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
if (what === "failed") {
  for (const [name, file] of files) if (failures(file) > 0) console.log(name);
} else {
  console.log(sum([...files.values()].map((file) => count(file, "passed"))), sum([...files.values()].map(failures)) + missing);
}
