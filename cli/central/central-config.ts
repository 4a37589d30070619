import { parseReadableFile, parseText, parseUrl } from "#common/config/parse.ts";
import { optional, variable } from "#common/config/read-config.ts";

/** Where Central is and who asks. What is not set is what `catapult login` keeps. */
export const operatorVariables = {
  url: variable("CATAPULT_CENTRAL_URL", parseUrl, { help: "Central's URL, such as https://central.example.org" }),
  token: variable("CATAPULT_TOKEN", parseText, { help: "a token, such as `catapult tokens create --local <name>` prints" }),
  ca: optional("CATAPULT_CA_FILE", parseReadableFile, { help: "a CA (PEM) to trust beside the system's" }),
};
