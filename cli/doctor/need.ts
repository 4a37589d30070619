/** What was found of one thing that Catapult needs. `advice` says what to do if it is not as it should be. */
export type Need = {
  name: string;
  /** required: builds or Central cannot do without; advised: for some uses, or better with. */
  need: "required" | "advised";
  found: boolean;
  detail: string;
  advice?: string;
};
