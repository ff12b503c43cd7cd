import { fromBase64 } from "../../core/shared/bytes.ts";

/** The user of a token that has QStash's form, base64 of `{ UserID, Password }`; undefined for any other token. */
export function userOf(token: string): string | undefined {
  try {
    const { UserID: user } = Object(JSON.parse(new TextDecoder().decode(fromBase64(token))));
    return typeof user === "string" && user !== "" ? user : undefined;
  } catch {
    return undefined;
  }
}
