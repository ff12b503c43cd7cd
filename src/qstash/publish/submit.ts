import type { EnqueueResult } from "../../core/job/enqueue.ts";
import { reserved } from "../../core/job/reserved.ts";
import { utf8 } from "../../core/shared/bytes.ts";
import { invalidRequest, isTidegateError, TidegateError } from "../../core/shared/errors.ts";
import { checkPathText, withoutUndefined } from "../../core/shared/validate.ts";
import { parseJson } from "../../http/contract/body.ts";
import { isFailure } from "../../http/contract/problems.ts";
import { type QStashCall, StepRefusedError } from "../api/call.ts";
import { storedBody } from "../messages/body.ts";
import type { Message } from "../messages/message.ts";
import { DEFAULT_RETRIES, type MessageJob } from "../messages/message-job.ts";
import type { Targets } from "../security/targets.ts";
import type { Invoker, Run, RunStep } from "../workflow/run.ts";
import { isSameStep, isStep, messageIds, optionsFor, runStepOf, webhookOf } from "../workflow/run.ts";
import { jobOfRun, stepJob } from "../workflow/run-messages.ts";
import { callbackLimits, type Draft, type PublishOptions, readPublishOptions, renamed } from "./publish-options.ts";

/** Shorter than the limit of ids in paths, since the ids of messages are longer. */
const LONGEST_RUN_ID = 200;
export const RUN_ID = "upstash-workflow-runid";
const INIT = "upstash-workflow-init";
const FEATURES = "upstash-feature-set";
/** The feature of SDKs whose responses show that they are workflows. */
const DETECTS_TRIGGER = "WF_DetectTrigger";
/** A header for a run whose trigger may not come from an SDK. The SDK then starts the run itself. */
const UNKNOWN_SDK = "Upstash-Workflow-Unknown-Sdk";

export interface PublishResult {
  readonly messageId: string;
  readonly url?: string;
  readonly deduplicated?: boolean;
  readonly workflowRunId?: string;
  readonly workflowCreatedAt?: number;
}

/** What to store for a draft, and the response after that: an array for a URL group. */
export interface Prepared {
  readonly jobs: readonly MessageJob[];
  respond(stored: readonly EnqueueResult[]): PublishResult | readonly PublishResult[] | undefined;
}

export function isOfRun({ headers }: Draft): boolean {
  return headers.has(RUN_ID);
}

/** Prepares messages of runs. Stores the steps of each run together, before their messages are enqueued. */
export async function prepareOfRuns(call: QStashCall, drafts: readonly Draft[]): Promise<readonly Prepared[]> {
  const read = drafts.map((draft) => readOfRun(call, draft));
  const prepared: Prepared[] = [];
  const runs = new Map<string, Run>();
  for (const each of read) {
    if ("start" in each) prepared.push(await prepareStart(call, each));
    else if ("draft" in each) prepared.push(await prepareCall(call, each));
    else {
      const { runId } = each;
      const ofRun = read.flatMap((other) => ("step" in other && other.runId === runId ? [other] : []));
      const run = runs.get(runId) ?? (await addSteps(call, runId, ofRun));
      runs.set(runId, run);
      prepared.push(await prepareStep(run, each));
    }
  }
  return prepared;
}

type Start = { readonly start: Run; readonly isBySdk: boolean };
type Call = { readonly draft: Draft; readonly runId: string };
type NewStep = { readonly step: RunStep; readonly runId: string; readonly webhook: string | undefined };

/** Reads a whole message before anything is stored. */
function readOfRun(call: QStashCall, draft: Draft): Start | Call | NewStep {
  const { headers } = draft;
  const runId = readRunId(headers.get(RUN_ID));
  if (headers.get(INIT) === "true")
    return { start: readStart(call, draft, runId), isBySdk: headers.has("upstash-workflow-trigger-by-sdk") };
  return headers.get("upstash-workflow-calltype") === "toCallback" ? { draft, runId } : readStep(call, draft, runId);
}

export function readRunId(text: string | null | undefined): string {
  checkPathText(text, "Upstash-Workflow-RunId", LONGEST_RUN_ID);
  if (/[/?#]/.test(text)) throw invalidRequest("Upstash-Workflow-RunId must not contain a slash, ? or #.");
  return text;
}

/** The error for a message to a run that is not in progress. After a 400 the SDK ends quietly. */
export function runIsOver(): Error {
  return new RunIsOverError("invalid_request", "The run has ended, or there is none with this id.");
}

class RunIsOverError extends TidegateError {}

/** Refuses an invalid step so that its run fails. After a 400 the SDK would leave the run unfinished. */
export async function refusingAsStep<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isOfStep = isTidegateError(error) && !(error instanceof RunIsOverError) && !isFailure(error);
    throw isOfStep ? new StepRefusedError(error.code, error.message) : error;
  }
}

function readStart(call: QStashCall, { headers, destination, body }: Draft, runId: string): Run {
  const { now, settings } = call;
  // Somebody else could enqueue jobs with other ids in advance.
  if (!runId.startsWith(reserved.runId))
    throw invalidRequest(`The id of a new run must begin with "${reserved.runId}", like the ids of the SDKs.`);
  const { method: _, callback: __, notBefore, deduplication, redaction, ...options } = readOptions(call, headers);
  if (deduplication) throw invalidRequest("A run takes no deduplication id: use its run id for that.");
  const invocation = headers.has("upstash-workflow-invoke") ? readInvocation(settings.targets, body) : undefined;
  const first: RunStep = {
    ...{ id: messageIds.start(runId), at: now, step: 0, concurrent: 1, body: storedBody(invocation?.body ?? body) },
    ...(notBefore !== undefined && { notBefore }),
  };
  return {
    ...{ id: runId, url: settings.targets.read(destination, "destination"), createdAt: now },
    options: optionsFor(runId, now, {
      ...options,
      ...(headers.get(FEATURES)?.split(",").includes(DETECTS_TRIGGER) && { expectsSdk: true }),
      ...(redaction && { redact: headers.get("upstash-redact-fields") ?? "" }),
    }),
    ...(invocation && { invoker: invocation.invoker }),
    ...{ state: "started", steps: [first] },
  };
}

/** Stores a run. Enqueues a stored run that has not begun again, because its publisher may not have done so. */
async function prepareStart({ runs }: QStashCall, { start: run, isBySdk }: Start): Promise<Prepared> {
  const { invoker } = run;
  const found = invoker
    ? await runs.invoke(run, invoker.runId, invoker.step.stepId)
    : (await runs.create(run))
      ? run
      : await runs.find(run.id);
  const stored = isBySdk && found ? await runs.change(found.id, withKnownSdk) : found;
  const [first] = stored?.steps ?? [];
  if (!stored || !first) throw runIsOver();
  const isFresh = stored.state === "started" && stored.steps.length === 1;
  // The SDK sends this while the first message is still being delivered.
  const step = isBySdk ? { ...first, id: messageIds.startBySdk(stored.id) } : first;
  return {
    jobs: isFresh ? [await stepJob(stored, step)] : [],
    respond: ([result]) => ({
      ...{ messageId: result?.id ?? step.id, workflowRunId: stored.id, workflowCreatedAt: stored.createdAt },
      ...deduplicatedIf(stored !== run && (!isBySdk || result?.status !== "enqueued")),
    }),
  };
}

/** The run once its SDK is known. From then on, its workflow gets steps. */
function withKnownSdk(run: Run): Run | undefined {
  const { [UNKNOWN_SDK]: unknown, ...header } = run.options.header;
  return unknown ? { ...run, options: { ...run.options, header } } : undefined;
}

/** Adds the headers that the SDK's client would send to a trigger by plain HTTP. */
export function triggerHeaders(given: Headers, url: string): Headers {
  const headers = new Headers(given);
  const runId = headers.get(RUN_ID) ?? `wfr_${crypto.randomUUID()}`;
  const failure = "upstash-failure-callback";
  const own = [
    ...renamed(given, "upstash-forward-", `${failure}-forward-`),
    [RUN_ID, runId],
    [INIT, "true"],
    [FEATURES, DETECTS_TRIGGER],
    [failure, headers.get(failure) ?? url],
    [`${failure}-workflow-runid`, runId],
    [`${failure}-workflow-url`, url],
    [`${failure}-workflow-init`, "false"],
    [`${failure}-workflow-calltype`, "failureCall"],
    [`${failure}-forward-upstash-workflow-is-failure`, "true"],
    [`${failure}-forward-upstash-workflow-failure-callback`, "true"],
  ] as const;
  for (const [name, value] of own) headers.set(name, value);
  return headers;
}

/** Reads the options of a message of a run. Its callbacks have no limits. */
function readOptions({ settings, now }: QStashCall, headers: Headers): PublishOptions {
  const kept = new Headers([...headers].filter(([name]) => !callbackLimits.test(name)));
  const options = readPublishOptions(kept, settings.targets, now);
  if (options.limits?.queueName !== undefined)
    throw invalidRequest("A run has no queue. Give it Upstash-Flow-Control-Key to limit it.");
  return options;
}

function readInvocation(targets: Targets, sent: Uint8Array) {
  const { body = "", workflowRunId, workflowRunCreatedAt, workflowUrl, step } = Object(parseJson(sent));
  if (!isStep(step) || typeof body !== "string" || typeof workflowUrl !== "string")
    throw invalidRequest("The body of an invocation must hold body, workflowRunId, workflowUrl and step.");
  const invoker: Invoker = {
    ...{ runId: readRunId(workflowRunId), createdAt: Number(workflowRunCreatedAt), step },
    url: targets.read(workflowUrl, "workflowUrl"),
  };
  return { invoker, body: utf8(body) };
}

async function prepareCall(call: QStashCall, { draft, runId }: Call): Promise<Prepared> {
  const { runs, settings } = call;
  const { headers } = draft;
  const run = await runs.find(runId);
  if (run?.state !== "started") throw runIsOver();
  const step = Number(headers.get("upstash-callback-forward-upstash-workflow-stepid"));
  const read = readOptions(call, headers);
  const { retries, notBefore: _, deduplication: __, redaction: ___, callback, ...options } = read;
  if (!callback || !Number.isInteger(step) || step < 1)
    throw invalidRequest("A call must have an Upstash-Callback, and the step that it is for.");
  const note = { runId, createdAt: run.createdAt, step };
  const { retries: ownRetries = DEFAULT_RETRIES, retryDelay = callback.retryDelay, redact } = run.options;
  const message: Message = withoutUndefined({
    url: settings.targets.read(draft.destination, "destination"),
    ...{ ...options, ...storedBody(draft.body) },
    workflow: { ...note, role: "call" },
    callback: withoutUndefined({
      ...{ ...callback, retries: ownRetries, retryDelay },
      workflow: { ...note, role: "result" },
    }),
  });
  const id = messageIds.call(runId, step);
  return {
    jobs: [await jobOfRun(message, withoutUndefined({ retries, redact }), id)],
    respond: ([result]) => ({ messageId: result?.id ?? id, ...deduplicatedIf(result?.status !== "enqueued") }),
  };
}

export function deduplicatedIf(isDeduplicated: boolean): Pick<PublishResult, "deduplicated"> {
  return isDeduplicated ? { deduplicated: true } : {};
}

async function addSteps({ runs, waits, now }: QStashCall, runId: string, added: readonly NewStep[]): Promise<Run> {
  for (const { webhook } of added) {
    // The webhook works before anybody gets its URL.
    if (webhook !== undefined) await waits.addWebhook(webhook, runId, now);
  }
  const run = await runs.change(runId, (run) => {
    if (run.state !== "started" && run.state !== "failed") throw runIsOver();
    const missing = added.filter(({ step }) => !run.steps.some((known) => isSameStep(known, step)));
    return missing.length === 0 ? undefined : { ...run, steps: [...run.steps, ...missing.map(({ step }) => step)] };
  });
  if (!run) throw runIsOver();
  return run;
}

async function prepareStep(run: Run, { step }: NewStep): Promise<Prepared> {
  const stored = run.steps.find((known) => isSameStep(known, step)) ?? step;
  return {
    // A failed run keeps the step until it is resumed.
    jobs: run.state === "started" ? [await stepJob(run, stored)] : [],
    respond: ([result]) => ({ messageId: result?.id ?? stored.id, ...deduplicatedIf(stored !== step) }),
  };
}

function readStep(call: QStashCall, { headers, body, destination }: Draft, runId: string): NewStep {
  const { now, settings } = call;
  const step = parseJson(body);
  if (!isStep(step)) throw invalidRequest("A step must have stepId, stepName, stepType and concurrent.");
  const { notBefore } = readOptions(call, headers);
  const url = settings.targets.read(destination, "destination");
  const runStep = {
    ...runStepOf(runId, step, body, now),
    url,
    ...(notBefore !== undefined && notBefore > now && { notBefore }),
  };
  return { step: runStep, runId, webhook: webhookOf(step) };
}
