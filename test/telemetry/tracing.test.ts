import { context, createTraceState, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { defineJob, memoryStore, Queue, type QueueOptions } from "../../src/index.ts";
import { tracing } from "../../src/telemetry/index.ts";
import { drainAll, performJob, testClock } from "../../src/testing/index.ts";
import { aroundStore } from "../support/around-calls.ts";
import { start } from "../support/clock.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { fails, inSpan, placeOf, recorder, secret, setUp, useContextManager, works } from "./recorder.ts";

useContextManager();

const untraced = { tracing: undefined };

onMemoryAtLeast((kind) => {
  describe("tracing", () => {
    test("makes an attempt the child of the enqueue, even in another process", async () => {
      const store = kind.create();
      const [producer, consumer] = [recorder(), recorder()];
      const clock = testClock(start);
      const web = new Queue({ name: "mail", store, clock, tracing: tracing(producer) });
      const worker = new Queue({ name: "mail", store, clock, jobs: [works], tracing: tracing(consumer) });
      const { id } = await web.enqueue("works", secret);
      await worker.drain();
      const [sent, processed] = [producer.only("send mail"), consumer.only("process mail")];
      expect(sent.kind).toBe(SpanKind.PRODUCER);
      expect(sent.attributes).toEqual({
        "messaging.system": "tidegate",
        "messaging.destination.name": "mail",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": id,
        "messaging.tidegate.job.name": "works",
      });
      expect(placeOf(sent)).toMatchObject({ parent: undefined, linked: [] });
      expect(processed.kind).toBe(SpanKind.CONSUMER);
      expect(processed.attributes).toEqual({
        "messaging.system": "tidegate",
        "messaging.destination.name": "mail",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": id,
        "messaging.tidegate.job.name": "works",
        "messaging.tidegate.job.attempt": 1,
        "messaging.tidegate.job.max_retries": 3,
        "messaging.tidegate.job.outcome": "completed",
      });
      const { traceId, spanId } = placeOf(sent);
      expect(placeOf(processed)).toMatchObject({ traceId, parent: spanId, linked: [spanId] });
      expect(processed.parentSpanContext?.isRemote).toBe(true);
      expect(processed.status.code).toBe(SpanStatusCode.UNSET);
    });

    test("creates a span for each attempt, with its failure", async () => {
      const { queue, clock, named, only } = setUp({ store: kind.create() });
      await queue.enqueue(fails);
      await queue.drain();
      await clock.advance("60s");
      await queue.drain();
      const attempts = named("process default");
      const outcomes = attempts.map(({ attributes }) => [
        attributes["messaging.tidegate.job.attempt"],
        attributes["messaging.tidegate.job.outcome"],
      ]);
      expect(outcomes).toEqual([
        [1, "retried"],
        [2, "dead"],
      ]);
      const { spanId } = placeOf(only("send default"));
      for (const span of attempts) {
        expect(placeOf(span).parent).toBe(spanId);
        expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "no luck" });
        expect(span.attributes["error.type"]).toBe("RangeError");
        const [event] = span.events;
        expect(event).toMatchObject({ name: "exception" });
        expect(event?.attributes).toEqual({ "exception.type": "RangeError", "exception.message": "no luck" });
      }
    });

    test("creates a span for each attempt of a step, around what the step does", async () => {
      const seen: unknown[] = [];
      const active = () => trace.getActiveSpan()?.spanContext().spanId;
      const agent = defineJob({
        name: "agent",
        async perform(_: undefined, job) {
          const draft = await job.step("draft", () => inSpan(tracer, "request", async () => "a secret draft"));
          await Promise.all(["one", "two"].map((name) => job.step(name, async () => seen.push(name, active()))));
          seen.push("perform", active());
          await job.step("send", ({ attempt }) => {
            if (attempt === 1) throw new RangeError("no luck");
            return draft;
          });
        },
      });
      const { queue, clock, tracer, only, named, spans } = setUp({ store: kind.create(), jobs: [agent] });
      await queue.enqueue(agent);
      await queue.drain();
      await clock.advance("60s");
      await queue.drain();
      const [first, second] = named("process default").map(placeOf);
      const draft = only("step draft");
      expect(draft.kind).toBe(SpanKind.INTERNAL);
      expect(draft.attributes).toEqual({
        "messaging.tidegate.step.name": "draft",
        "messaging.tidegate.step.attempt": 1,
      });
      expect(draft.status.code).toBe(SpanStatusCode.UNSET);
      expect(placeOf(draft)).toMatchObject({ traceId: first?.traceId, parent: first?.spanId, linked: [] });
      expect(placeOf(only("request")).parent).toBe(placeOf(draft).spanId);
      expect(seen).toEqual([
        ...["one", "two"].flatMap((name) => [name, placeOf(only(`step ${name}`)).spanId]),
        ...["perform", first?.spanId, "perform", second?.spanId],
      ]);
      const [failed, sent] = named("step send");
      expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR, message: "no luck" });
      expect(failed?.attributes).toMatchObject({
        "error.type": "RangeError",
        "messaging.tidegate.step.attempt": 1,
      });
      expect(sent?.attributes["messaging.tidegate.step.attempt"]).toBe(2);
      expect([failed, sent].map((span) => span && placeOf(span).parent)).toEqual([first?.spanId, second?.spanId]);
      expect(JSON.stringify(spans().map(({ attributes, events }) => [attributes, events]))).not.toContain("secret");
    });

    test("makes the attempt of a job that another has enqueued the child of that one's attempt", async () => {
      const first = defineJob({ name: "first", perform: (_: undefined, job) => job.enqueue("works", secret) });
      const { queue, named, only } = setUp({ store: kind.create(), jobs: [first, works] });
      await queue.enqueue(first);
      await drainAll(queue);
      const [parent, child] = named("process default").map(placeOf);
      expect(parent?.parent).toBe(placeOf(only("send default")).spanId);
      expect(child).toMatchObject({ traceId: parent?.traceId, parent: parent?.spanId, linked: [parent?.spanId] });
    });

    test("makes the attempts of a family that a job has enqueued children of that one's attempt", async () => {
      const first = defineJob({
        name: "first",
        perform: (_: undefined, job) =>
          void job.enqueue("works", secret, { children: [{ job: works, payload: secret }] }),
      });
      const { queue, named } = setUp({ store: kind.create(), jobs: [first, works] });
      await queue.enqueue(first);
      await drainAll(queue);
      const [attempt, ...family] = named("process default").map(placeOf);
      expect(family).toHaveLength(2);
      for (const place of family)
        expect(place).toMatchObject({ traceId: attempt?.traceId, parent: attempt?.spanId, linked: [attempt?.spanId] });
    });

    test("links the attempts of a family to the call that enqueued it, each in its own trace", async () => {
      const { queue, only, named } = setUp({ store: kind.create() });
      await queue.enqueue(works, secret, { children: [1, 2].map(() => ({ job: works, payload: secret })) });
      await drainAll(queue);
      const sent = only("send default");
      expect(sent.attributes).toMatchObject({ "messaging.batch.message_count": 3 });
      const attempts = named("process default");
      const { traceId, spanId } = placeOf(sent);
      for (const span of attempts) expect(placeOf(span)).toMatchObject({ parent: undefined, linked: [spanId] });
      expect(new Set([traceId, ...attempts.map((span) => placeOf(span).traceId)]).size).toBe(4);
    });

    test("links the attempts of a batch to it, each in its own trace", async () => {
      const { queue, only, named } = setUp({ store: kind.create() });
      const results = await queue.enqueueMany([1, 2, 3].map(() => ({ job: works, payload: secret })));
      await queue.drain();
      const sent = only("send default");
      expect(sent.attributes).toMatchObject({
        "messaging.batch.message_count": 3,
        "messaging.tidegate.job.name": "works",
      });
      expect(sent.attributes).not.toHaveProperty(["messaging.message.id"]);
      const attempts = named("process default");
      const ids = attempts.map(({ attributes }) => attributes["messaging.message.id"]);
      expect(ids.sort()).toEqual(results.map(({ id }) => id).sort());
      const { traceId, spanId } = placeOf(sent);
      for (const span of attempts) expect(placeOf(span)).toMatchObject({ parent: undefined, linked: [spanId] });
      expect(new Set([traceId, ...attempts.map((span) => placeOf(span).traceId)]).size).toBe(4);
    });

    test("gives each call of one turn its own span, in the trace of the call", async () => {
      const { queue, tracer, named, only } = setUp({ store: kind.create() });
      const names = ["one", "two", "three"];
      const results = await Promise.all(names.map((name) => inSpan(tracer, name, () => queue.enqueue(works, secret))));
      await queue.drain();
      const sent = named("send default");
      expect(sent.map(({ attributes }) => attributes["messaging.message.id"])).toEqual(results.map(({ id }) => id));
      expect(sent.map(({ attributes }) => attributes["messaging.batch.message_count"])).toEqual(
        Array(3).fill(undefined),
      );
      expect(sent.map((span) => placeOf(span).parent)).toEqual(names.map((name) => placeOf(only(name)).spanId));
      const processed = named("process default").map((span) => placeOf(span).parent);
      expect(new Set(processed)).toEqual(new Set(sent.map((span) => placeOf(span).spanId)));
    });

    test("begins a new trace for the jobs of schedules", async () => {
      const { queue, clock, only, tracer } = setUp({ store: kind.create() });
      await inSpan(tracer, "admin", () =>
        queue.schedules.upsert("hourly", { job: works, payload: secret, cron: "0 0 * * * *" }),
      );
      await clock.advance("1h");
      await inSpan(tracer, "tick", () => queue.drain());
      const { traceId, parent, linked } = placeOf(only("process default"));
      expect({ parent, linked }).toEqual({ parent: undefined, linked: [placeOf(only("tick")).spanId] });
      expect([placeOf(only("admin")).traceId, placeOf(only("tick")).traceId]).not.toContain(traceId);
    });

    test("costs no command", async () => {
      const counts = [];
      // The first run loads the scripts.
      for (const options of [{}, {}, untraced]) {
        const { queue } = setUp({ store: kind.create(), ...options });
        await queue.enqueue(works, secret, { id: "job" });
        const { commands, roundTrips } = await queue.drain();
        const { meter } = internalsOf(queue);
        counts.push([meter.commands, meter.roundTrips, commands, roundTrips]);
      }
      expect(counts[1]).toEqual(counts[2]);
    });
  });
});

describe("tracing", () => {
  test("adds 82 bytes to a record, 97 in a batch", async () => {
    const lengths = async (options: Partial<QueueOptions>, jobs: number) => {
      const store = memoryStore();
      const results = await setUp({ store, ...options }).queue.enqueueMany(Array(jobs).fill({ job: fails }));
      const stored = await store.open("default").find(results[0]?.id ?? "", start);
      return stored?.record.length ?? 0;
    };
    const plain = await lengths(untraced, 1);
    expect([await lengths({}, 1), await lengths({}, 2)]).toEqual([plain + 82, plain + 97]);
  });

  test("runs perform inside the span, and the next job outside it", async () => {
    const seen: unknown[] = [];
    const look = defineJob({
      name: "look",
      perform: () => void seen.push(trace.getActiveSpan()?.spanContext().spanId),
    });
    const { queue, named } = setUp({ jobs: [look] });
    await queue.enqueue(look);
    await queue.enqueue(look);
    await queue.drain({ concurrency: 1 });
    expect(named("process default").map((span) => placeOf(span).spanId)).toEqual(seen);
    for (const span of named("process default")) expect(placeOf(span).linked).toHaveLength(1);
    expect(trace.getActiveSpan()).toBeUndefined();
  });

  test("continues the trace of the enqueue, and a job that a job enqueues continues that job's", async () => {
    const second = defineJob({ name: "second", perform() {} });
    const first = defineJob({ name: "first", perform: () => queue.enqueue(second) });
    const { queue, tracer, spans, only } = setUp({ jobs: [first, second] });
    await inSpan(tracer, "request", () => queue.enqueue(first));
    await drainAll(queue);
    const { traceId } = placeOf(only("request"));
    expect(spans().map((span) => placeOf(span).traceId)).toEqual(Array(5).fill(traceId));
    const parents = new Map(spans().map((span) => [placeOf(span).spanId, span.name]));
    expect(spans().map((span) => [span.name, parents.get(placeOf(span).parent ?? "")])).toEqual([
      ["send default", "request"],
      ["request", undefined],
      ["send default", "process default"],
      ["process default", "send default"],
      ["process default", "send default"],
    ]);
  });

  test("has the request of a lone enqueue in its span", async () => {
    const seen: unknown[] = [];
    const store = aroundStore(memoryStore(), ({ method }, run) => {
      if (method === "enqueue") seen.push(trace.getActiveSpan()?.spanContext().spanId);
      return run();
    });
    const { queue, only } = setUp({ store });
    await queue.enqueue(works, secret);
    expect(seen).toEqual([placeOf(only("send default")).spanId]);
  });

  test("links an attempt to the span in which the drain runs", async () => {
    const { queue, tracer, only } = setUp();
    await queue.enqueue(works, secret);
    await inSpan(tracer, "tick", () => queue.drain());
    const [sent, tick] = [placeOf(only("send default")), placeOf(only("tick"))];
    const { traceId, parent, linked } = placeOf(only("process default"));
    expect({ traceId, parent }).toEqual({ traceId: sent.traceId, parent: sent.spanId });
    expect(linked).toEqual([sent.spanId, tick.spanId]);
  });

  test("names a snooze, an invalid payload, and an enqueue that fails", async () => {
    const sleepy = defineJob({ name: "sleepy", perform: (_: undefined, job) => job.snooze("1h") });
    const { queue, only, named } = setUp({ jobs: [sleepy] });
    await queue.enqueue(sleepy);
    await queue.drain();
    const { attributes, status } = only("process default");
    expect(attributes["messaging.tidegate.job.outcome"]).toBe("snoozed");
    expect(status.code).toBe(SpanStatusCode.UNSET);
    await expect(queue.enqueue("unknown")).rejects.toThrow('No job is named "unknown"');
    expect(named("send default")[1]).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "TidegateError", "messaging.tidegate.job.name": "unknown" },
    });
  });

  test("reveals nothing of payloads and results", async () => {
    const careless = defineJob({ name: "careless", perform: (payload: typeof secret) => payload });
    const { queue, spans } = setUp({ jobs: [careless] });
    await queue.enqueue(careless, secret);
    await queue.drain();
    expect(spans()).toHaveLength(2);
    const recorded = spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
    expect(JSON.stringify(recorded)).not.toContain(secret.card);
  });

  test("keeps the tracestate of a trace", async () => {
    const { queue, only } = setUp();
    const caller = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "vendor=7" };
    await queue.enqueueMany([{ job: works, payload: secret }], { trace: caller });
    await queue.drain();
    const processed = only("process default");
    expect(processed.spanContext()).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" });
    expect(processed.spanContext().traceState?.serialize()).toBe("vendor=7");
  });

  test("does not store a tracestate of more than 512 characters", async () => {
    const store = memoryStore();
    const { queue } = setUp({ store });
    const enqueueWith = async (length: number) => {
      const traceState = createTraceState().set("one", "1".repeat(250)).set("two", "2".repeat(length));
      const parent = {
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        traceFlags: 1,
        traceState,
      };
      const { id } = await context.with(trace.setSpanContext(context.active(), parent), () =>
        queue.enqueue(works, secret),
      );
      return (await store.open("default").find(id, start))?.record;
    };
    expect(await enqueueWith(253)).toContain("tracestate");
    expect(await enqueueWith(254)).not.toContain("tracestate");
  });

  test.for([
    "",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
  ])("begins a new trace where the caller's is %j", async (traceparent) => {
    const { queue, only } = setUp();
    await queue.enqueueMany([{ job: works, payload: secret }], { trace: { traceparent } });
    const { traceId, parent } = placeOf(only("send default"));
    expect(parent).toBeUndefined();
    expect(traceId).not.toBe("0af7651916cd43dd8448eb211c80319c");
    expect(traceId).toMatch(/[1-9a-f]/);
  });

  test("stores nothing if no provider is registered", async () => {
    const store = memoryStore();
    const queue = new Queue({ store, jobs: [works], tracing: tracing(), clock: testClock(start) });
    const { id } = await queue.enqueue(works, secret);
    const stored = await store.open("default").find(id, start);
    expect(stored?.record).not.toContain("trace");
    expect(await queue.drain()).toMatchObject({ completed: 1 });
  });

  test("flushes before a drain ends, for two seconds at most, and harms no drain", async () => {
    const { queue, clock } = setUp({
      tracing: tracing({ ...recorder(), flush: () => clock.sleep(60_000).then(() => Promise.reject(new Error("no"))) }),
    });
    let endedAt: number | undefined;
    const drained = queue.drain().then((report) => {
      endedAt = clock.now - start;
      return report;
    });
    await clock.advance("1m");
    expect(endedAt).toBe(2_000);
    expect(await drained).toMatchObject({ stoppedBy: "empty" });
  });
});

describe("the trace in a record", () => {
  test("is kept by code that does not know it, through retries and a retry from the dead letter", async () => {
    const store = memoryStore();
    const traced = setUp({ store });
    const clock = testClock(start);
    const { id } = await traced.queue.enqueue(fails, undefined, { maxRetries: 0 });
    const plain = new Queue({ store, clock, jobs: [fails] });
    await plain.drain();
    await plain.retryFromDeadLetter(id);
    await traced.queue.drain();
    expect(placeOf(traced.only("process default")).parent).toBe(placeOf(traced.only("send default")).spanId);
  });

  test("is not needed by performJob", async () => {
    const { only, tracer } = recorder();
    const outcome = await inSpan(tracer, "test", () => performJob(works, secret));
    expect(outcome.status).toBe("completed");
    expect(only("test").links).toEqual([]);
  });
});
