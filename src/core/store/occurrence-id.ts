/** The id of the job that an occurrence makes: the same for every invocation, so that an occurrence makes one job. */
export function occurrenceJobId(key: string, occurrence: number): string {
  return `${key}@${new Date(occurrence).toISOString()}`;
}

const occurrenceSuffix = /@\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const occurrencePart = /@\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z:/;

export function isOccurrenceJobId(id: string): boolean {
  return occurrenceSuffix.test(id);
}

export function isOfOccurrence(id: string): boolean {
  return occurrencePart.test(id);
}
