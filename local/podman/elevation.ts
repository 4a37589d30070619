/** What goes before a command that only root may run: nothing for root itself. */
export function elevation(): readonly string[] {
  return process.getuid?.() === 0 ? [] : ["sudo", "-n"];
}
