/** The id of the job that an occurrence makes. It is the same for every invocation, so that an occurrence makes one job. */
export function slotJobId(key: string, slot: number): string {
  return `${key}@${new Date(slot).toISOString()}`;
}

const slotId = /@\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Whether an id has the form of those that schedules give their jobs. */
export function isSlotJobId(id: string): boolean {
  return slotId.test(id);
}
