import type { Message } from "./message.ts";

/** By what people find a message, and the events of its log: its labels, where it comes from, and what limits it. */
export interface MessageTags {
  /** The first of the labels. */
  readonly label?: string;
  readonly labels?: readonly string[];
  readonly scheduleId?: string;
  readonly topicName?: string;
  readonly endpointName?: string;
  readonly queueName?: string;
  readonly flowControlKey?: string;
}

/** The tags of a message, as the API shows them. */
export function tagsOf({ labels, scheduleId, topicName, endpointName, limits = {} }: Message): MessageTags {
  const { queueName, flowControlKey } = limits;
  return {
    ...(labels && { label: labels[0] ?? "", labels }),
    ...(scheduleId !== undefined && { scheduleId }),
    ...(topicName !== undefined && { topicName }),
    ...(endpointName !== undefined && { endpointName }),
    ...(queueName !== undefined && { queueName }),
    ...(flowControlKey !== undefined && { flowControlKey }),
  };
}
