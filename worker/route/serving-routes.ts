const path = "{http.request.uri.path}";

/** name-<hash>.js, as Vite (8 characters of base64url) and others (hex) write it. */
const hashedName = "^/assets/(?:[^/]+/)*[^/]*[-.](?:[A-Za-z0-9_-]{8}|[0-9a-f]{9,64})\\.[A-Za-z0-9]{1,8}$";
/** my-portrait.png, IMG-20240101.jpg: what a person named may change. A hash that happens to look so is only revalidated. */
const wordLikeName = "[-.](?:[A-Za-z]?[a-z_-]*|[A-Z_-]*)[0-9_-]*\\.[A-Za-z0-9]{1,8}$";

/**
 * How a request is answered from the release that `liveDir/<host>` points to, in this order: the file, file.html, the folder's
 * index.html (a path without its slash is redirected by file_server), /200.html; else /404.html with 404; and where a release has
 * neither of these two, navigations get /index.html.
 */
export function createServingRoutes(o: { liveDir: string; preview: boolean }): object[] {
  return [
    {
      handle: [
        { handler: "vars", root: `${o.liveDir}/{http.request.host}` },
        {
          handler: "headers",
          response: {
            set: {
              "X-Content-Type-Options": ["nosniff"],
              "Cache-Control": ["no-cache"],
              ...(o.preview ? { "X-Robots-Tag": ["noindex"] } : {}),
            },
          },
        },
        // A rollback brings back files with an older time, which a request with If-Modified-Since alone would call unchanged; only ETags decide.
        { handler: "headers", response: { deferred: true, delete: ["Last-Modified"] } },
      ],
    },
    {
      // A release holds no dotfile; this is the second lock on the same door.
      match: [{ path: ["*/.*"], not: [{ path: ["/.well-known/*"] }] }],
      handle: [{ handler: "error", status_code: 404 }],
      terminal: true,
    },
    { handle: [{ handler: "encode", encodings: { zstd: {}, gzip: {} }, prefer: ["zstd", "gzip"], minimum_length: 512 }] },
    {
      // A name that carries its content's hash. Only where the file itself is there: a fallback page must never be kept for a year.
      match: [
        { path: ["/_app/immutable/*"], file: exists(path) },
        { path_regexp: { pattern: hashedName }, not: [{ path_regexp: { pattern: wordLikeName } }], file: exists(path) },
      ],
      handle: [
        {
          handler: "headers",
          response: {
            require: { status_code: [200, 206, 304] },
            deferred: true,
            set: { "Cache-Control": ["public, max-age=31536000, immutable"] },
          },
        },
        fileServer(),
      ],
      terminal: true,
    },
    { match: [{ file: exists(path) }], handle: [fileServer()], terminal: true },
    rewriteIf({ file: exists(`${path}.html`) }, `${path}.html`),
    { match: [{ path: ["*/"], file: exists(`${path}index.html`) }], handle: [fileServer()], terminal: true },
    rewriteIf({ file: exists(`${path}/index.html`) }, `${path}/`),
    rewriteIf({ file: exists("/200.html") }, "/200.html"),
    rewriteIf({ file: exists("/404.html") }, "/404.html", 404),
    rewriteIf({ header: { Accept: ["*text/html*"] }, file: exists("/index.html") }, "/index.html"),
    { handle: [{ handler: "error", status_code: 404 }] },
  ];
}

function exists(file: string): object {
  return { try_files: [file] };
}

function rewriteIf(match: object, uri: string, status?: number): object {
  return { match: [match], handle: [{ handler: "rewrite", uri }, fileServer(status)], terminal: true };
}

function fileServer(status?: number): object {
  return {
    handler: "file_server",
    index_names: ["index.html"],
    precompressed: { br: {}, zstd: {}, gzip: {} },
    precompressed_order: ["br", "zstd", "gzip"],
    ...(status === undefined ? {} : { status_code: status }),
  };
}
