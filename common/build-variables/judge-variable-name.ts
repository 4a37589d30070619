/** Read by the loader, the C library, shells and language runtimes before a program's own code, or set by Catapult: see the groups. */
const names = new Set([
  // Catapult's own, and what its shell goes by.
  ..."CI PATH HOME USER LOGNAME SHELL PWD OLDPWD TMPDIR TMP TEMP TERM LANG LC_ALL UID EUID PPID SHLVL _".split(" "),
  // A shell runs or splits what these hold.
  ..."ENV IFS CDPATH GLOBIGNORE PS4 PROMPT_COMMAND POSIXLY_CORRECT SHELLOPTS FPATH ZDOTDIR FUNCNEST EXECIGNORE".split(" "),
  // The C library loads code or answers names by these.
  ..."GCONV_PATH LOCPATH NLSPATH HOSTALIASES LOCALDOMAIN RES_OPTIONS GETCONF_DIR TZDIR GLIBC_TUNABLES TERMINFO TERMINFO_DIRS".split(
    " ",
  ),
  // Language runtimes load code by these.
  ..."NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_V8_COVERAGE".split(
    " ",
  ),
  ..."PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB LUA_INIT LUA_PATH LUA_CPATH".split(
    " ",
  ),
  ..."JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS GEM_PATH GEM_HOME BUN_OPTIONS DENO_DIR".split(" "),
  // Whom TLS trusts, and what it loads.
  ..."SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES".split(
    " ",
  ),
  ..."SSLKEYLOGFILE WGETRC".split(" "),
  // Traffic would go elsewhere than what is kept of the build's destinations says.
  ..."HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY PROXY".split(" "),
  // Programs that other programs run.
  ..."EDITOR VISUAL PAGER BROWSER SSH_ASKPASS LESSOPEN LESSCLOSE CC CXX LD MAKEFLAGS".split(" "),
  // Where yarn keeps and finds itself; its other settings are the repository's business.
  ..."YARN_CACHE_FOLDER YARN_GLOBAL_FOLDER YARN_YARN_PATH YARN_RC_FILENAME YARN_PLUGINS YARN_IGNORE_PATH YARN_ENABLE_TELEMETRY".split(
    " ",
  ),
]);

/** npm and pnpm take every setting from such names, the shell that runs scripts among them: that is what .npmrc is for, which may name variables. */
const beginnings = [
  "LD_",
  "DYLD_",
  "GIT_",
  "NIX_",
  "BASH",
  "MALLOC_",
  "XDG_",
  "CATAPULT",
  "NPM_CONFIG_",
  "PNPM_CONFIG_",
  "COREPACK_",
];

/**
 * Says what is wrong with the name of a build variable, or nothing. Refused, in any case of letters, is what changes how programs are loaded or
 * how Catapult, the shell, git, Nix or the package managers work: a build variable is data for the build's own programs.
 */
export function judgeVariableName(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
    return "must be letters, digits and underscores, not beginning with a digit, at most 128";
  const upper = name.toUpperCase();
  const beginning = beginnings.find((candidate) => upper.startsWith(candidate));
  if (beginning !== undefined)
    return `must not begin with ${beginning}: such names change how programs work, not what they build`;
  if (names.has(upper)) return `${upper} changes how programs work, not what they build; choose another name`;
  return undefined;
}
