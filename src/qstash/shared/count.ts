import { invalidRequest } from "../../core/shared/errors.ts";

/**
 * Reads how many are meant.
 *
 * @param standard how many if the query does not say.
 * @param most how many at most, whatever it says.
 * @throws {TidegateError} `invalid_request`
 */
export function readCount(query: URLSearchParams, standard: number, most = standard): number {
  const text = query.get("count");
  if (text === null || text === "") return standard;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw invalidRequest("count must be a whole number above 0.");
  return Math.min(Number(text), most);
}
