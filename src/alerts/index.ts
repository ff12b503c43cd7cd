/** Sends messages when jobs die, when that is over, and when nothing drains a queue. @module tidegate/alerts */

import type { Alert } from "../core/observe/alerts.ts";
import { invalidRequest } from "../core/shared/errors.ts";
import { checkObject } from "../core/shared/validate.ts";
import { openAlerting } from "./alerting.ts";
import { slackRequest } from "./slack.ts";
import { type AlertOptions, type Target, targetOf } from "./target.ts";
import { keysOf, webhookRequest } from "./webhook.ts";

export type { Alert } from "../core/observe/alerts.ts";
export type { AlertMessage } from "./message.ts";
export type { AlertOptions } from "./target.ts";

/** Options of `webhook`. */
export interface WebhookOptions extends AlertOptions {
  /**
   * Signs the requests: "whsec_" followed by 24 to 64 random bytes in base64. With an array, each request is
   * signed with each of them, so that you can give the receiver the new one at any time.
   */
  readonly secret: string | readonly string[];
}

const MOST_ALERTS = 20;

// In the registry of symbols, so that another copy of the package finds it. It is not enumerable: a logged queue does
// not show it.
const key = Symbol.for("tidegate.alertTarget");

/**
 * Sends alerts to a channel of Slack.
 *
 * ```ts
 * const queue = new Queue({ store, jobs, alerts: [slack(env.SLACK_WEBHOOK_URL, { silentFor: "15m" })] });
 * ```
 *
 * @param url the URL of an incoming webhook. It is a secret: it is in no job, error or log line.
 * @throws {TidegateError} `invalid_request` for an invalid option.
 */
export function slack(url: string, options: AlertOptions = {}): Alert {
  return alertOf(targetOf("slack", url, options, slackRequest));
}

/**
 * Sends alerts to a URL of yours: an `AlertMessage` as JSON, signed by the scheme Standard Webhooks, for which most
 * languages have a library.
 *
 * ```ts
 * const queue = new Queue({ store, jobs, alerts: [webhook("https://ops.example.com/alerts", { secret })] });
 * ```
 *
 * @param url where to send it, by `POST`. It is in no job, error or log line.
 * @throws {TidegateError} `invalid_request` for an invalid option.
 */
export function webhook(url: string, options: WebhookOptions): Alert {
  checkObject(options, "webhook takes an object of options after the URL, with the secret that signs the requests.");
  const { secret, ...rest } = options;
  const keys = keysOf(secret);
  return alertOf(targetOf("webhook", url, rest, (message, sending) => webhookRequest(message, sending, keys)));
}

function alertOf(target: Target): Alert {
  const alert: Alert = { name: target.name, alerting: (alerts) => openAlerting(targetsOf(alerts)) };
  return Object.defineProperty(alert, key, { value: target });
}

function targetsOf(alerts: readonly Alert[]): readonly Target[] {
  if (alerts.length > MOST_ALERTS) throw invalidRequest(`A queue can have ${MOST_ALERTS} alerts.`);
  const targets = new Map<string, Target>();
  for (const alert of alerts as readonly (Alert & { readonly [key]?: Target })[]) {
    const { name, [key]: target } = alert;
    if (!target) throw invalidRequest("alerts must come from slack and webhook of tidegate/alerts.");
    if (targets.has(name))
      throw invalidRequest(`Two alerts are named "${name}". Give one of them another name, with the option name.`);
    targets.set(name, target);
  }
  return [...targets.values()];
}
