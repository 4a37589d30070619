/** A site's URL by its environment's form, such as https://{host} or http://{host}:8081. */
export function siteUrl(form: string, host: string): string {
  return form.replaceAll("{host}", host);
}
