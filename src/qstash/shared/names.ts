import { invalidRequest } from "../../core/shared/errors.ts";
import { checkPathText } from "../../core/shared/validate.ts";

/** Checks the name of a queue or a URL group. @throws {TidegateError} `invalid_request` */
export function checkName(name: string, what: string): void {
  if (!/^[\w.-]{1,200}$/.test(name))
    throw invalidRequest(`${what} must be 1 to 200 letters, digits, hyphens, underscores or dots.`);
  checkPathText(name, what, 200);
}
