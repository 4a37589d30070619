/** A REST call to the forge as a person makes it; undefined for 404. */
export async function callForge(
  o: { apiUrl: string; token: string },
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${o.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${o.token}`, accept: "application/vnd.github+json", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${method} ${o.apiUrl}${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
