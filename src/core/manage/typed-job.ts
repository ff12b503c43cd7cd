import type { AnyJob } from "../job/define.ts";
import { invalidRequest } from "../shared/errors.ts";
import type { JobInfo } from "./job-info.ts";

/** What reads a job takes: its id, or its definition and its id. */
export type JobAndId<Options> =
  | [id: string, options?: Options | undefined]
  | [job: AnyJob, id: string, options?: Options | undefined];

/** Splits the arguments. `only` lets a job pass if it has the name of the definition, or if none was given. */
export function readJobAndId<Options>(given: JobAndId<Options>): {
  readonly id: string;
  readonly options: Options | undefined;
  readonly only: (found: JobInfo | null) => JobInfo | null;
} {
  const [first] = given;
  if (typeof first !== "object" || first === null) {
    const [id, options] = given as [id: string, options?: Options];
    return { id, options, only: (found) => found };
  }
  const [{ name }, id, options] = given as [job: AnyJob, id: string, options?: Options];
  if (typeof name !== "string") throw invalidRequest("The job must be a definition from defineJob.");
  return { id, options, only: (found) => (found?.name === name ? found : null) };
}
