import { type Wake, WakeCalls } from "../core/observe/wake.ts";
import { invalidRequest, TidegateError } from "../core/shared/errors.ts";
import { reasonOf } from "../http/contract/problems.ts";
import { type CloudflareOptions, type WorkerParts, workerParts } from "./worker-parts.ts";

/** What is used of the binding of a Durable Object. */
export interface WakeNamespace {
  /** Returns the id of the object with a name. */
  idFromName(name: string): unknown;
  /** Returns what sends requests to an object. */
  get(id: never): WakeStub;
}

/** What is used of what sends requests to a Durable Object. */
export interface WakeStub {
  /** Sends a request. */
  fetch(url: string): Promise<Pick<Response, "ok">>;
}

/** What is used of the state of a Durable Object. */
export interface WakeObjectState {
  /** Its storage: the time of its alarm, and how many alarms in a row have failed. */
  readonly storage: WakeObjectStorage;
}

/** What is used of the storage of a Durable Object. */
export interface WakeObjectStorage {
  /** Returns the time of the alarm. */
  getAlarm(): Promise<number | null>;
  /** Sets the alarm. */
  setAlarm(at: number): Promise<void>;
  /** Reads a value. */
  get(key: string): Promise<unknown>;
  /** Stores a value. */
  put(key: string, value: number): Promise<void>;
  /** Removes a value. */
  delete(key: string): Promise<boolean>;
}

/** A Durable Object whose alarm drains the queues. */
export interface WakeObject {
  /** Takes a time from `durableObjectWake`, and sets the alarm if that is earlier. */
  fetch(request: Request): Promise<Response>;
  /** Drains every queue, and sets the next alarm. Rejects only if the alarm cannot be set. */
  alarm(): Promise<void>;
}

/** The class of a Durable Object: name it in Wrangler's configuration. */
export type WakeObjectClass<Env> = new (state: WakeObjectState, env: Env) => WakeObject;

/** One object wakes the Worker for all of its queues. */
const NAME = "tidegate";
const FAILURES = "failures";

/**
 * Makes a `wake` that sets the alarm of a Durable Object, of the class that `createWakeObject` makes. A call that fails
 * is repeated once, because a deployment resets the object.
 *
 * ```ts
 * const queue = new Queue({ store, jobs, wake: durableObjectWake(env.WAKE) });
 * ```
 *
 * @param namespace the binding of the Durable Object.
 * @throws {TidegateError} `invalid_request` if there is no such binding.
 */
export function durableObjectWake(namespace: WakeNamespace): Wake {
  if (typeof namespace?.idFromName !== "function")
    throw invalidRequest(
      "durableObjectWake needs the binding of a Durable Object, such as env.WAKE. Add it to durable_objects.bindings in wrangler.toml.",
    );
  const ask = (at: number) => namespace.get(namespace.idFromName(NAME) as never).fetch(`https://wake/?at=${at}`);
  return async (at) => {
    const { ok } = await ask(at).catch(() => ask(at));
    if (!ok) throw new TidegateError("store_unavailable", "The Durable Object did not take the time.");
  };
}

/**
 * Makes the class of a Durable Object that wakes a Worker: at the times that `durableObjectWake` asks for, its alarm
 * drains the queues, and it is then set for what is due next. While nothing is due, it costs nothing.
 *
 * ```ts
 * const configure = (env: Env) => ({ queue: queueOf(env), auth });
 * export default createWorker(configure);
 * export const Wake = createWakeObject(configure); // name it in wrangler.toml
 * ```
 *
 * While a backlog moves, the next alarm follows immediately. What is due and cannot be claimed is tried again after a
 * minute. After a failure the next alarm comes after a minute, and then after twice as long each time, up to an hour.
 *
 * @param configure the options of `createWorker`. The alarm drains within `scheduled`, without lingering.
 * @throws {TidegateError} `invalid_request` if `configure` is not a function.
 */
export function createWakeObject<Env extends object>(configure: (env: Env) => CloudflareOptions): WakeObjectClass<Env> {
  if (typeof configure !== "function")
    throw invalidRequest("createWakeObject takes the function that createWorker takes: (env) => ({ queue, auth }).");
  return class implements WakeObject {
    readonly #storage: WakeObjectStorage;
    readonly #env: Env;
    #parts: WorkerParts | undefined;
    /** The times that were asked for and are ahead: whoever has asked for one does not ask for a later one. */
    readonly #asked = new Set<number>();

    constructor({ storage }: WakeObjectState, env: Env) {
      this.#storage = storage;
      this.#env = env;
    }

    async fetch(request: Request): Promise<Response> {
      const at = Number(new URL(request.url).searchParams.get("at"));
      if (!(at > 0 && at < Number.POSITIVE_INFINITY)) return new Response(null, { status: 400 });
      this.#asked.add(at);
      await this.#setAlarm(at);
      return new Response(null, { status: 204 });
    }

    // Cloudflare gives up after six alarms that have failed.
    async alarm(): Promise<void> {
      const startedAt = Date.now();
      for (const at of this.#asked) if (at <= startedAt) this.#asked.delete(at);
      const failures = Number((await this.#storage.get(FAILURES)) ?? 0);
      try {
        this.#parts ??= workerParts(configure(this.#env), "createWakeObject");
        await this.#parts.tick({ linger: 0 }, { wake: (at) => this.#setAlarm(at) });
        if (failures > 0) await this.#storage.delete(FAILURES);
      } catch (error) {
        console.error(`tidegate: a wake-up has failed. ${reasonOf(error)}`);
        await this.#setAlarm(Date.now() + WakeCalls.afterFailuresMs(failures + 1));
        await this.#storage.put(FAILURES, failures + 1);
      }
      if (this.#asked.size > 0) await this.#setAlarm(Math.min(...this.#asked));
    }

    /** Sets the alarm, unless it comes earlier. */
    async #setAlarm(at: number): Promise<void> {
      const set = await this.#storage.getAlarm();
      if (set === null || at < set) await this.#storage.setAlarm(at);
    }
  };
}
