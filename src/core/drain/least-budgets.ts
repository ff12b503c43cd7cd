import { MOST_FIRED_AT_ONCE } from "../schedule/fire.ts";
import { invalidRequest } from "../shared/errors.ts";
import { type Cost, noCost, sumOf } from "../store/meter.ts";
import type { LocalFacts } from "../store/store.ts";

/** The smallest budgets for the drains of a queue. */
export interface LeastBudgets {
  /** The most that a peek costs. */
  readonly peek: Cost;
  /** The least budget with which a drain can do anything. */
  readonly least: Cost;
  /** The least budget with which it peeks first. With less, it begins with a claim. */
  readonly leastToPeek: Cost;
}

/** @param declared how many schedules the code declares. */
export function leastBudgets(local: LocalFacts, declared: number): LeastBudgets {
  const peek = local.mostOfPeek;
  // A peek reads the manifest of schedules that code declares.
  const mustPeek = declared > 0;
  const doing = leastToDoAnything(local, declared);
  const least = mustPeek ? sumOf(peek, doing) : doing;
  return { peek, least, leastToPeek: mustPeek ? least : sumOf(peek, least) };
}

/**
 * The least with which a drain runs whatever is due first: it claims a job or finds a schedule, and settles or fires
 * it. The job may have a flow control key, and a lease that must be extended first.
 */
function leastToDoAnything(local: LocalFacts, declared: number): Cost {
  const hasKeys = true;
  const claiming = local.mostOfExchange({ claims: 1, hasKeys });
  const firing = { fires: 1, firedJobs: MOST_FIRED_AT_ONCE };
  const settling = local.mostOfExchange({ settles: 1, ...firing, hasKeys });
  const running = [claiming, local.mostOfExtend(1), settling].reduce(sumOf);
  const declaring = declared > 0 ? local.mostOfDeclare(declared) : noCost;
  const more = (part: keyof Cost) => Math.max(declaring[part], running[part]);
  return { roundTrips: more("roundTrips"), commands: more("commands") };
}

/**
 * Refuses a budget with which the drains of a queue could never do anything, so that its jobs would wait forever.
 *
 * @throws {TidegateError} `invalid_request`; the message says which part is too small, and how much it takes.
 */
export function checkBudget(budget: Cost, least: Cost, queue: string): void {
  for (const part of ["roundTrips", "commands"] as const) {
    if (budget[part] >= least[part]) continue;
    throw invalidRequest(`budget.${part} must be at least ${least[part]} to drain the queue "${queue}".`);
  }
}
