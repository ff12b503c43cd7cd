/** The id of the job that an occurrence makes: the same for every invocation, so that an occurrence makes one job. */
export function occurrenceJobId(key: string, occurrence: number): string {
  return `${key}@${new Date(occurrence).toISOString()}`;
}

const occurrence = "@\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z";
const ofItself = new RegExp(`${occurrence}$`);
const ofItsJobs = new RegExp(`${occurrence}:`);

export const isOccurrenceJobId = (id: string): boolean => ofItself.test(id);
export const isOfOccurrence = (id: string): boolean => ofItsJobs.test(id);
