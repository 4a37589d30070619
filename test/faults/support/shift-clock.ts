/** Preloaded into a daemon (`shiftedClock`): its clock is off by CLOCK_OFF_MS, as a machine's without NTP is. */
const off = Number(process.env["CLOCK_OFF_MS"]);

globalThis.Date = new Proxy(Date, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + off] : given, newTarget),
  get: (target, key) => (key === "now" ? () => target.now() + off : Reflect.get(target, key)),
});
