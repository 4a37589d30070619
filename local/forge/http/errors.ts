import type { components } from "@octokit/openapi-types";

type FieldError = NonNullable<components["schemas"]["validation-error"]["errors"]>[number];

const documentation = "https://docs.github.com/rest";

/** An answer that refuses, as GitHub words it. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number;
  readonly body: components["schemas"]["basic-error"] | components["schemas"]["validation-error"];
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, o: { errors?: FieldError[]; headers?: Record<string, string> } = {}) {
    super(message);
    this.status = status;
    this.body = {
      message,
      ...(o.errors === undefined ? {} : { errors: o.errors }),
      documentation_url: documentation,
      status: String(status),
    };
    this.headers = o.headers ?? {};
  }
}

export const notFound = () => new HttpError(404, "Not Found");
export const badCredentials = () => new HttpError(401, "Bad credentials");
export const requiresAuthentication = () => new HttpError(401, "Requires authentication");
export const notAccessible = () => new HttpError(403, "Resource not accessible by integration");
export const mustHaveRights = (rights: string) => new HttpError(403, `Must have ${rights} rights to Repository.`);
export const validationFailed = (...errors: FieldError[]) => new HttpError(422, "Validation Failed", { errors });
/** What GitHub's schema check says, before anything else is looked at. */
export const invalidRequest = (...problems: string[]) => new HttpError(422, `Invalid request.\n\n${problems.join("\n")}`);
